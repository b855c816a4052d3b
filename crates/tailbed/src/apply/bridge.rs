//! Bridges, by rtnetlink(7).

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use netlink_packet_route::link::{
    BridgePortState, InfoBridge, InfoBridgePort, InfoData, InfoPortData, LinkAttribute, LinkInfo, LinkMessage,
};
use rtnetlink::{Handle, LinkBridge, LinkUnspec};

use super::network::{ALIAS, Network};

/// How long the kernel may take to let a port forward: it looks at new carriers at most once a second (`linkwatch_schedule_work` in
/// net/core/link_watch.c), on a busy machine later.
const PATIENCE: Duration = Duration::from_secs(20);

impl Network {
    /// Makes a bridge, up, without spanning tree (which is the kernel's default), joins the ports to it, and waits until those that have a
    /// carrier forward: before, a bridge drops all there is. It goes with its namespace.
    pub(super) fn make_bridge(&mut self, namespace: &str, name: &str, ports: &[String]) -> anyhow::Result<String> {
        let what = || format!("cannot make the bridge {name} in {namespace}");
        let handle = self.handle(Some(namespace)).with_context(what)?;
        // one that looks for multicast listeners speaks itself (`br_multicast_join_snoopers` in net/bridge/br_multicast.c)
        let silent = InfoData::Bridge(vec![InfoBridge::MulticastSnooping(false)]);
        let bridge = LinkBridge::new(name).set_info_data(silent).build();
        self.runtime.block_on(handle.link().add(bridge).execute()).with_context(what)?;
        let bridge = self.find(&handle, name)?.with_context(what)?.header.index;
        for port in ports {
            let join = LinkUnspec::new_with_name(port).controller(bridge).build();
            let joined = self.runtime.block_on(handle.link().set(join).execute());
            joined.with_context(|| format!("cannot join {port} to the bridge {name} in {namespace}"))?;
        }
        for port in ports {
            self.wait_for_port(&handle, port).with_context(what)?;
        }
        Ok(format!("{ALIAS} {namespace}"))
    }

    /// A tap has a carrier only once somebody has opened it, which is later.
    fn wait_for_port(&mut self, handle: &Handle, port: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let link = self.find(handle, port)?.with_context(|| format!("its port {port} is gone"))?;
            if !has_carrier(&link) || forwards(&link) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("its port {port} does not forward after {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn has_carrier(link: &LinkMessage) -> bool {
    link.attributes.iter().any(|attribute| matches!(attribute, LinkAttribute::Carrier(1)))
}

fn forwards(link: &LinkMessage) -> bool {
    let infos = link.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    let ports = infos.flatten().filter_map(|info| match info {
        LinkInfo::PortData(InfoPortData::BridgePort(port)) => Some(port),
        _ => None,
    });
    ports.flatten().any(|of| matches!(of, InfoBridgePort::State(BridgePortState::Forwarding)))
}
