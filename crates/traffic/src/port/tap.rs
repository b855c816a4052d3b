//! Receiving by an AF_PACKET ring of blocks: TPACKET_V3 (kernel documentation, networking/packet_mmap).
//!
//! The kernel fills a block with frame after frame and hands it over when it is full, or when it has been open for some time. So a reader
//! wakes once per block, and frames take no more room than they need.

mod memory;

use std::os::fd::{AsFd, BorrowedFd};

use super::PortError;
use super::socket::{self, Opened};
use memory::Memory;

/// All EtherTypes.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an EtherType has 16 bits")]
const ALL_PROTOCOLS: u16 = libc::ETH_P_ALL as u16;

/// Which frames of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Those that come in.
    Incoming,
    /// Those that leave by its queue; what was sent past the queue (`PACKET_QDISC_BYPASS`) is not shown to anybody.
    Outgoing,
}

/// How a ring is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRing {
    /// Bytes of a block: a power of two, at least a page.
    pub block: u32,
    /// How many there are.
    pub blocks: u32,
    /// A block with frames in it is handed over after this long even if it is not full, ms; 0 leaves it to the kernel.
    pub retire: u32,
    /// Bytes kept of each frame.
    pub snap: u32,
    /// Which frames.
    pub passing: Passing,
    /// Stamps of the network card in place of the kernel's. The card must have been told to take them.
    pub hardware: bool,
}

/// A ring of blocks into which the kernel puts frames of one interface.
///
/// Frames are stamped as they reach the interface and before any socket sees them (`SOF_TIMESTAMPING_RX_SOFTWARE`), so that all who look at
/// one frame find the same stamp, in whichever order they are served. Frames for other hosts are taken in (`PACKET_MR_PROMISC`, undone by
/// the kernel when the socket closes).
#[derive(Debug)]
pub struct TapRing {
    opened: Opened,
    memory: Memory,
    next: u32,
    hardware: bool,
    /// Frames that the kernel had for the ring so far, and those of them that found no room.
    counted: (u64, u64),
}

impl TapRing {
    /// Opens a ring on an interface of the calling thread's network namespace. Frames are received from now on.
    ///
    /// # Errors
    /// When the interface does not exist or the kernel refuses the socket, an option or the memory.
    pub fn open(interface: &str, ring: &BlockRing) -> Result<Self, PortError> {
        let opened = socket::open(interface)?;
        let failed = |what| move |source| PortError::SetUp { interface: interface.to_owned(), what, source };
        let set =
            |level, name, what, value: &libc::c_int| socket::set_option(&opened.socket, level, name, value).map_err(failed(what));
        set(libc::SOL_PACKET, libc::PACKET_VERSION, "PACKET_VERSION", &(libc::tpacket_versions::TPACKET_V3 as libc::c_int))?;
        let incoming = ring.passing == Passing::Incoming;
        set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING", &incoming.into())?;
        let taken = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
        let wanted =
            if ring.hardware { taken | libc::SOF_TIMESTAMPING_RX_HARDWARE | libc::SOF_TIMESTAMPING_RAW_HARDWARE } else { taken };
        set(libc::SOL_SOCKET, libc::SO_TIMESTAMPING, "SO_TIMESTAMPING", &wanted.cast_signed())?;
        if ring.hardware {
            let raw = libc::SOF_TIMESTAMPING_RAW_HARDWARE.cast_signed();
            set(libc::SOL_PACKET, libc::PACKET_TIMESTAMP, "PACKET_TIMESTAMP", &raw)?;
        }
        attach_filter(&opened, ring).map_err(failed("SO_ATTACH_FILTER"))?;
        // frames lie one after another in a block; the kernel wants to know a size of slots all the same
        let slot = ring.block.min(2048);
        let request = libc::tpacket_req3 {
            tp_block_size: ring.block,
            tp_block_nr: ring.blocks,
            tp_frame_size: slot,
            tp_frame_nr: ring.blocks.saturating_mul(ring.block / slot),
            tp_retire_blk_tov: ring.retire,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        socket::set_option(&opened.socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request).map_err(failed("PACKET_RX_RING"))?;
        let memory = Memory::map(&opened.socket, ring.block, ring.blocks).map_err(failed("mmap of the ring of blocks"))?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small constant")]
        let membership = libc::packet_mreq {
            mr_ifindex: opened.index,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        socket::set_option(&opened.socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
            .map_err(failed("PACKET_ADD_MEMBERSHIP"))?;
        // Bound last: until then no frame comes in, so none is from another interface or from before.
        socket::bind(&opened, ALL_PROTOCOLS).map_err(failed("bind"))?;
        Ok(Self { opened, memory, next: 0, hardware: ring.hardware, counted: (0, 0) })
    }

    /// Looks at the next block, if the kernel has handed one over, and gives it back afterwards.
    #[inline]
    pub fn take<R>(&mut self, look: impl FnOnce(Block<'_>) -> R) -> Option<R> {
        let bytes = self.memory.handed_over(self.next)?;
        let result = look(Block { bytes, hardware: self.hardware });
        self.memory.release(self.next);
        self.next = if self.next + 1 == self.memory.blocks() { 0 } else { self.next + 1 };
        Some(result)
    }

    /// Frames that the kernel had for the ring since it was opened, and those of them that found no room (`PACKET_STATISTICS`; the kernel
    /// starts anew with each reading, in 32 bits).
    pub fn counted(&mut self) -> (u64, u64) {
        let read = socket::option::<libc::tpacket_stats_v3>(&self.opened.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS);
        if let Ok(libc::tpacket_stats_v3 { tp_packets, tp_drops, .. }) = read {
            self.counted.0 += u64::from(tp_packets);
            self.counted.1 += u64::from(tp_drops);
        }
        self.counted
    }
}

impl AsFd for TapRing {
    /// Readable while a block is handed over.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.socket.as_fd()
    }
}

/// Keeps so many bytes of each frame, and of an interface's both directions one. The kernel has the direction at a place beyond all frames
/// (`SKF_AD_OFF` + `SKF_AD_PKTTYPE` in linux/filter.h); that a frame comes in is an option of the socket.
fn attach_filter(opened: &Opened, ring: &BlockRing) -> std::io::Result<()> {
    const DIRECTION: u32 = 0xffff_f000 + 4;
    let step = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    #[allow(clippy::cast_possible_truncation, reason = "codes of instructions have 16 bits")]
    let [load, is, give] = [
        (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
        (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        (libc::BPF_RET | libc::BPF_K) as u16,
    ];
    let kept = step(give, 0, ring.snap);
    match ring.passing {
        Passing::Incoming => socket::filter(&opened.socket, &mut [kept]),
        Passing::Outgoing => {
            let outgoing = step(is, 1, u32::from(libc::PACKET_OUTGOING));
            socket::filter(&opened.socket, &mut [step(load, 0, DIRECTION), outgoing, kept, step(give, 0, 0)])
        }
    }
}

/// A block that the kernel has handed over.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    bytes: &'a [u8],
    hardware: bool,
}

/// A frame of a block.
#[derive(Debug, Clone, Copy)]
pub struct BlockFrame<'a> {
    /// Its bytes, cut at the ring's snap length. A VLAN tag that the kernel took out is not among them.
    pub bytes: &'a [u8],
    /// Bytes it had, without a tag that was taken out.
    pub original: u32,
    /// The tag that belongs behind the addresses, as it was on the wire.
    pub tag: Option<[u8; 4]>,
    /// Its stamp, ns since 1970; of a network card, since whatever its clock counts from.
    pub stamp: u64,
    /// Whether the stamp is of the kind that was asked for. The kernel stamps a frame by itself when nobody else has, only later.
    pub as_asked: bool,
}

impl<'a> Block<'a> {
    /// Its frames, in the order in which they came.
    pub fn frames(self) -> impl Iterator<Item = BlockFrame<'a>> {
        let count = self.word(std::mem::offset_of!(libc::tpacket_hdr_v1, num_pkts) + HEADER);
        let mut at = self.word(std::mem::offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt) + HEADER) as usize;
        (0..count).map_while(move |_| {
            let frame = self.frame(at)?;
            at += self.word(at + std::mem::offset_of!(libc::tpacket3_hdr, tp_next_offset)) as usize;
            Some(frame)
        })
    }

    fn word(&self, at: usize) -> u32 {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_ne_bytes(*word))
    }

    fn half(&self, at: usize) -> u16 {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |half| u16::from_ne_bytes(*half))
    }

    fn frame(&self, at: usize) -> Option<BlockFrame<'a>> {
        use std::mem::offset_of;
        let field = |offset| self.word(at + offset);
        let start = at + usize::from(self.half(at + offset_of!(libc::tpacket3_hdr, tp_mac)));
        let kept = field(offset_of!(libc::tpacket3_hdr, tp_snaplen)) as usize;
        let status = field(offset_of!(libc::tpacket3_hdr, tp_status));
        let (seconds, ns) = (field(offset_of!(libc::tpacket3_hdr, tp_sec)), field(offset_of!(libc::tpacket3_hdr, tp_nsec)));
        let asked = if self.hardware { libc::TP_STATUS_TS_RAW_HARDWARE } else { libc::TP_STATUS_TS_SOFTWARE };
        Some(BlockFrame {
            bytes: self.bytes.get(start..start + kept)?,
            original: field(offset_of!(libc::tpacket3_hdr, tp_len)),
            tag: (status & libc::TP_STATUS_VLAN_VALID != 0).then(|| self.tag(at, status)),
            stamp: u64::from(seconds) * 1_000_000_000 + u64::from(ns),
            as_asked: status & asked != 0,
        })
    }

    #[cold]
    fn tag(&self, at: usize, status: u32) -> [u8; 4] {
        use std::mem::offset_of;
        let variant = at + offset_of!(libc::tpacket3_hdr, hv1);
        // The tag's control word is the lower half of a word.
        let control = self.word(variant + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci)).to_be_bytes();
        let named = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let protocol = self.half(variant + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tpid));
        let protocol = if named { protocol } else { crate::packet::ethernet::VLAN }.to_be_bytes();
        [protocol[0], protocol[1], control[2], control[3]]
    }
}

/// Where a block's header begins, after its version and the place of private data.
const HEADER: usize = std::mem::offset_of!(libc::tpacket_block_desc, hdr);
