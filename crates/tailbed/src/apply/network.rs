//! Network interfaces, by rtnetlink(7).
//!
//! A netlink socket speaks for the namespace it was opened in for as long as it lives. One is opened per namespace, on a scratch thread
//! that enters it, and kept: fifty nodes cost fifty threads once, not one per request.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use anyhow::Context;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkMessage};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth};
use tailbed_plan::step::{Tap, VethEnd};
use tokio::runtime::Runtime;

use super::{TakenBack, namespace, tap};

/// Marks interfaces in the host's own namespace as ours.
pub(super) const ALIAS: &str = "tailbed";

/// Netlink sockets by namespace; the empty name is the host's own.
pub(super) struct Network {
    pub(super) runtime: Runtime,
    handles: HashMap<String, Handle>,
}

impl Network {
    pub(super) fn new() -> anyhow::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the netlink runtime")?;
        Ok(Self { runtime, handles: HashMap::new() })
    }

    /// Closes the socket of a namespace that is about to go: an open one would keep it alive.
    pub(super) fn forget(&mut self, namespace: &str) {
        self.handles.remove(namespace);
        // the connection behind the handle ends once the runtime sees that the handle is gone
        self.runtime.block_on(tokio::task::yield_now());
    }

    /// Makes a pair, each end in its namespace, up. An end that lies in the host's own namespace is made in the other end's, marked, and
    /// moved, so that the host never holds an unmarked interface of ours; only if both ends lie there are they marked in place. Returns
    /// the mark.
    pub(super) fn make_veth(&mut self, ends: &[VethEnd; 2]) -> anyhow::Result<String> {
        let what = || format!("cannot make the veth pair {} <-> {}", describe(&ends[0]), describe(&ends[1]));
        // a namespace of ours goes, with all that is in it, if this fails half-way
        let (near, far) = if ends[0].namespace.is_some() { (&ends[0], &ends[1]) } else { (&ends[1], &ends[0]) };
        let in_host = far.namespace.is_none();
        let maker = self.handle(near.namespace.as_deref()).with_context(what)?;
        let far_file = far.namespace.as_ref().map(|name| File::open(namespace::path(name))).transpose().with_context(what)?;
        let mut peer = LinkUnspec::new_with_name(&far.name).address(far.mac.0.to_vec());
        let mut pair = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth);
        if let Some(mtu) = far.mtu {
            peer = peer.mtu(mtu);
        }
        if let Some(mtu) = near.mtu {
            pair = pair.mtu(mtu);
        }
        if let Some(file) = &far_file {
            peer = peer.setns_by_fd(file.as_raw_fd());
        }
        let pair = pair
            .name(near.name.clone())
            .address(near.mac.0.to_vec())
            .up()
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())))
            .build();
        self.runtime.block_on(maker.link().add(pair).execute()).with_context(what)?;
        // the name of either end's namespace, or of an interface in the host's own, holds the campaign's token
        let alias = format!("{ALIAS} {}", near.namespace.as_deref().unwrap_or(&near.name));
        if in_host && near.namespace.is_some() {
            self.mark_and_move_to_host(&maker, &far.name, &alias).with_context(what)?;
            return Ok(alias);
        }
        if in_host {
            for end in ends {
                let mark = LinkUnspec::new_with_name(&end.name).alias(&alias).build();
                self.runtime.block_on(maker.link().set(mark).execute()).with_context(what)?;
            }
        }
        // the peer cannot be up from the start: the kernel configures it before the pair is joined, and refuses to open half a pair
        let handle = self.handle(far.namespace.as_deref()).with_context(what)?;
        let up = LinkUnspec::new_with_name(&far.name).up().build();
        self.runtime.block_on(handle.link().set(up).execute()).with_context(what)?;
        Ok(alias)
    }

    fn mark_and_move_to_host(&mut self, maker: &Handle, name: &str, alias: &str) -> anyhow::Result<()> {
        let own = File::open("/proc/self/ns/net")?;
        let mark = LinkUnspec::new_with_name(name).alias(alias).build();
        self.runtime.block_on(maker.link().set(mark).execute())?;
        let step = LinkUnspec::new_with_name(name).setns_by_fd(own.as_raw_fd()).build();
        self.runtime.block_on(maker.link().set(step).execute())?;
        let host = self.handle(None)?;
        let up = LinkUnspec::new_with_name(name).up().build();
        Ok(self.runtime.block_on(host.link().set(up).execute())?)
    }

    /// Makes a tap that stays, up. Returns its mark, which it carries when it lies in the host's own namespace.
    pub(super) fn make_tap(&mut self, tap: &Tap) -> anyhow::Result<String> {
        let what = || format!("cannot make the tap {} in {}", tap.name, place(tap.namespace.as_deref()));
        let alias = format!("{ALIAS} {}", tap.namespace.as_deref().unwrap_or(&tap.name));
        let made = match &tap.namespace {
            None => tap::make(&tap.name),
            Some(name) => namespace::inside(&namespace::path(name), || tap::make(&tap.name)),
        };
        let file = made.with_context(what)?;
        let handle = self.handle(tap.namespace.as_deref()).with_context(what)?;
        let mut link = LinkUnspec::new_with_name(&tap.name).address(tap.mac.0.to_vec()).up();
        if tap.namespace.is_none() {
            link = link.alias(&alias);
        }
        if let Some(mtu) = tap.mtu {
            link = link.mtu(mtu);
        }
        self.runtime.block_on(handle.link().set(link.build()).execute()).with_context(what)?;
        // last: until then the tap goes by itself when something fails
        tap::keep(&file).with_context(what)?;
        Ok(alias)
    }

    /// Deletes a tap that lies in the host's own namespace; any other goes with its namespace.
    pub(super) fn delete_tap(&mut self, tap: &Tap, alias: Option<&str>) -> anyhow::Result<TakenBack> {
        if tap.namespace.is_some() {
            return Ok(TakenBack::Done);
        }
        self.delete_from_host(&tap.name, alias)
    }

    /// Deletes what of a pair lies in the host's own namespace; the rest goes with its namespace.
    pub(super) fn delete_veth(&mut self, ends: &[VethEnd; 2], alias: Option<&str>) -> anyhow::Result<TakenBack> {
        for end in ends.iter().filter(|end| end.namespace.is_none()) {
            if let not_ours @ TakenBack::NotOurs(_) = self.delete_from_host(&end.name, alias)? {
                return Ok(not_ours);
            }
        }
        Ok(TakenBack::Done)
    }

    /// Deletes an interface of the host's own namespace, if it is there and carries our mark.
    pub(super) fn delete_from_host(&mut self, name: &str, alias: Option<&str>) -> anyhow::Result<TakenBack> {
        let host = self.handle(None)?;
        let Some(link) = self.find(&host, name)? else { return Ok(TakenBack::Done) };
        let found = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfAlias(alias) => Some(alias.as_str()),
            _ => None,
        });
        let ours = match alias {
            Some(alias) => found == Some(alias),
            // killed before it could be said, or even marked: the name holds the campaign's token
            None => found.is_none_or(|found| found.starts_with(ALIAS)),
        };
        if !ours {
            return Ok(TakenBack::NotOurs(format!("the interface {name} does not carry our mark")));
        }
        let delete = host.link().del(link.header.index).execute();
        self.runtime.block_on(delete).with_context(|| format!("cannot delete the interface {name}"))?;
        Ok(TakenBack::Done)
    }

    pub(super) fn find(&self, handle: &Handle, name: &str) -> anyhow::Result<Option<LinkMessage>> {
        use futures_util::TryStreamExt;
        let mut links = handle.link().get().match_name(name.to_owned()).execute();
        match self.runtime.block_on(links.try_next()) {
            Ok(link) => Ok(link),
            Err(rtnetlink::Error::NetlinkError(error)) if error.raw_code() == -libc::ENODEV => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot look for the interface {name}")),
        }
    }

    /// The socket of a namespace, opened when first needed.
    pub(super) fn handle(&mut self, name: Option<&str>) -> anyhow::Result<Handle> {
        let key = name.unwrap_or_default();
        if let Some(handle) = self.handles.get(key) {
            return Ok(handle.clone());
        }
        let runtime = &self.runtime;
        let open = || -> io::Result<_> {
            let _context = runtime.enter();
            let (connection, handle, _) = rtnetlink::new_connection()?;
            runtime.spawn(connection);
            Ok(handle)
        };
        let handle = match name {
            None => open(),
            Some(name) => namespace::inside(&namespace::path(name), open),
        };
        let handle =
            handle.with_context(|| format!("cannot open a netlink socket in {}", name.unwrap_or("the host's namespace")))?;
        self.handles.insert(key.to_owned(), handle.clone());
        Ok(handle)
    }
}

fn describe(end: &VethEnd) -> String {
    format!("{} in {}", end.name, place(end.namespace.as_deref()))
}

fn place(namespace: Option<&str>) -> &str {
    namespace.unwrap_or("the host's namespace")
}
