//! Macvlan interfaces, by rtnetlink(7).

use std::fs::File;
use std::os::fd::AsRawFd;

use anyhow::Context;
use rtnetlink::packet_route::link::MacVlanMode;
use rtnetlink::{LinkMacVlan, LinkUnspec};
use tailbed_plan::step::{MacvlanParent, VethEnd};

use super::network::{ALIAS, Network};
use super::{TakenBack, namespace};

/// Whether the host has the parent that the user named; nothing is touched.
pub(super) fn check(parent: &MacvlanParent) -> anyhow::Result<()> {
    if parent.namespace.is_none() {
        let there = std::path::Path::new("/sys/class/net").join(&parent.name).exists();
        anyhow::ensure!(there, "there is no interface `{}` on this host; `ip link` lists those there are", parent.name);
    }
    Ok(())
}

impl Network {
    /// Makes one in its parent's namespace, marks it, and moves it to where it belongs. Returns its mark.
    pub(super) fn make_macvlan(&mut self, parent: &MacvlanParent, end: &VethEnd) -> anyhow::Result<String> {
        let place = |namespace: Option<&str>| namespace.unwrap_or("the host's namespace").to_owned();
        let what = || {
            let (own, on) = (place(end.namespace.as_deref()), place(parent.namespace.as_deref()));
            format!("cannot make the macvlan {} in {own} on {} in {on}", end.name, parent.name)
        };
        // a namespace's name, or that of an interface in the host's own, holds the campaign's token
        let alias = format!("{ALIAS} {}", end.namespace.as_deref().unwrap_or(&end.name));
        let maker = self.handle(parent.namespace.as_deref()).with_context(what)?;
        let found = self.find(&maker, &parent.name).with_context(what)?;
        let index = found.with_context(|| format!("there is no interface {}", parent.name)).with_context(what)?.header.index;
        let target = match &end.namespace {
            Some(name) => File::open(namespace::path(name)),
            None => File::open("/proc/self/ns/net"),
        };
        let target = target.with_context(what)?;
        let mut link = LinkMacVlan::new(&end.name, index, MacVlanMode::Bridge).address(end.mac.0.to_vec());
        if parent.namespace != end.namespace {
            // made there from the start: no name is ever taken where the parent lies
            link = link.setns_by_fd(target.as_raw_fd());
        }
        if let Some(mtu) = end.mtu {
            link = link.mtu(mtu);
        }
        self.runtime.block_on(maker.link().add(link.build()).execute()).with_context(what)?;
        let handle = self.handle(end.namespace.as_deref()).with_context(what)?;
        let mut up = LinkUnspec::new_with_name(&end.name).up();
        if end.namespace.is_none() {
            up = up.alias(&alias);
        }
        self.runtime.block_on(handle.link().set(up.build()).execute()).with_context(what)?;
        Ok(alias)
    }

    /// Deletes one that lies in the host's own namespace, or hangs on an interface that stays: what lies in a namespace goes some time after
    /// it, and until then the next run's would find its address taken. Any other goes with its namespace.
    pub(super) fn delete_macvlan(
        &mut self,
        parent: &MacvlanParent,
        end: &VethEnd,
        alias: Option<&str>,
    ) -> anyhow::Result<TakenBack> {
        let Some(own) = end.namespace.as_deref() else { return self.delete_from_host(&end.name, alias) };
        if parent.namespace.is_some() || !namespace::path(own).exists() {
            return Ok(TakenBack::Done);
        }
        let what = || format!("cannot delete the macvlan {} in {own}", end.name);
        let handle = self.handle(Some(own)).with_context(what)?;
        if let Some(link) = self.find(&handle, &end.name)? {
            self.runtime.block_on(handle.link().del(link.header.index).execute()).with_context(what)?;
        }
        Ok(TakenBack::Done)
    }
}
