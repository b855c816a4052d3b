//! VLAN tags (IEEE 802.1Q-2022, 9.3): each stands where the EtherType would, and is followed by what it is put before.

use tailbed_format::traffic::Tag;

use super::ethernet;

/// Length of a tag, bytes: its EtherType, then three bits of priority, one that allows to drop the frame, and twelve of the VLAN.
pub const TAG: usize = 4;

/// EtherType of the outer tag of IEEE 802.1ad.
pub const OUTER: u16 = 0x88a8;

/// EtherType that outer tags had before there was one for them, still in use.
pub const OUTER_BEFORE: u16 = 0x9100;

/// The bits of a tag's last two bytes that name the VLAN; the others are priority and drop eligibility.
pub const IDENTIFIER: u16 = 0x0fff;

/// Whether an EtherType is that of a tag.
#[inline]
pub fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, ethernet::VLAN | OUTER | OUTER_BEFORE)
}

/// Where the first tag lies in a frame.
const FIRST: usize = ethernet::HEADER - 2;

/// Writes the tags of a flow after the addresses, and the EtherType of IPv4 after them; all priorities are 0. Does nothing to a frame
/// that has no room for them.
pub fn write(frame: &mut [u8], tags: &[Tag], flow: u32) {
    let Some(head) = frame.get_mut(FIRST..FIRST + tags.len() * TAG + 2) else { return };
    let (places, end) = head.as_chunks_mut::<TAG>();
    for (place, tag) in places.iter_mut().zip(tags) {
        place[..2].copy_from_slice(&tag.ethertype.to_be_bytes());
        place[2..].copy_from_slice(&id(tag, flow));
    }
    end.copy_from_slice(&ethernet::IPV4.to_be_bytes());
}

/// Writes the VLANs of a flow into tags that are there.
#[inline]
pub(super) fn rewrite(frame: &mut [u8], tags: &[Tag], flow: u32) {
    for (number, tag) in tags.iter().enumerate() {
        let at = FIRST + number * TAG + 2;
        if let Some(place) = frame.get_mut(at..at + 2) {
            place.copy_from_slice(&id(tag, flow));
        }
    }
}

#[inline]
fn id(tag: &Tag, flow: u32) -> [u8; 2] {
    let [_, _, high, low] = tag.id.of(flow).to_be_bytes();
    [high & 0x0f, low]
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::traffic::Rule;

    #[test]
    fn tags_lie_where_the_standard_puts_them() {
        let tag = |ethertype, first| Tag { ethertype, id: Rule { first, count: 4, every: 1 } };
        let tags = [tag(OUTER, 0x123), tag(ethernet::VLAN, 5)];
        let mut frame = [0xee; 24];
        write(&mut frame, &tags, 0);
        assert_eq!(frame[12..], [0x88, 0xa8, 0x01, 0x23, 0x81, 0x00, 0x00, 0x05, 0x08, 0x00, 0xee, 0xee]);
        rewrite(&mut frame, &tags, 2);
        assert_eq!(frame[12..22], [0x88, 0xa8, 0x01, 0x25, 0x81, 0x00, 0x00, 0x07, 0x08, 0x00]);
        assert_eq!(frame[..12], [0xee; 12]);
    }
}
