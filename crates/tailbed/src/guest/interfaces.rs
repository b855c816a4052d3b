//! A guest's network interfaces: named as the plan has them, up, and open to all frames.

use std::fs;
use std::io;

use anyhow::{Context, bail};
use rtnetlink::{Handle, LinkUnspec};
use tailbed_format::mac::MacAddress;

use super::wait_for;
use crate::apply::disable_ipv6;

/// Sets up each `name=address`, with `/mtu` behind it where it is not to be the kernel's own.
pub(super) fn set_up(interfaces: &[String]) -> anyhow::Result<()> {
    // before an interface is up: neighbour discovery would mix with the traffic
    disable_ipv6().context("cannot switch IPv6 off")?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the netlink runtime")?;
    let open = || -> io::Result<Handle> {
        let _context = runtime.enter();
        let (connection, handle, _) = rtnetlink::new_connection()?;
        runtime.spawn(connection);
        Ok(handle)
    };
    let handle = open().context("cannot open a netlink socket")?;
    for argument in interfaces {
        let Some((name, mac)) = argument.split_once('=') else {
            bail!("{argument} is not an interface; it is written name=address or name=address/mtu")
        };
        let (mac, mtu) = match mac.split_once('/') {
            Some((mac, mtu)) => (mac, Some(mtu.parse().with_context(|| format!("{mtu} is no MTU of the interface {name}"))?)),
            None => (mac, None),
        };
        let mac: MacAddress = mac.parse()?;
        let index =
            wait_for(|| Ok(find(mac)), || format!("there is no interface {mac}: the kernel lacks virtio_net or its bus"))?;
        let link = || LinkUnspec::new_with_index(index);
        let down = mtu.map_or(link(), |mtu| link().mtu(mtu)).down().build();
        let rename = link().name(name.to_owned()).build();
        // frames are sent to addresses that are no interface's own
        let up = link().promiscuous(true).up().build();
        for change in [down, rename, up] {
            let changed = runtime.block_on(handle.link().set(change).execute());
            changed.with_context(|| format!("cannot set up the interface {name} ({mac})"))?;
        }
    }
    Ok(())
}

/// The index of the interface with an address.
fn find(mac: MacAddress) -> Option<u32> {
    let interfaces = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let text = |folder: &std::path::Path, name: &str| fs::read_to_string(folder.join(name)).map(|text| text.trim().to_owned());
    let ours = interfaces.map(|interface| interface.path());
    ours.filter(|folder| text(folder, "address").is_ok_and(|address| address == mac.to_string()))
        .find_map(|folder| text(&folder, "ifindex").ok()?.parse().ok())
}
