//! Interfaces whose packets the kernel keeps no connections of.

use serde::{Deserialize, Serialize};

/// A table of nftables for interfaces of one namespace. It is its maker's: when that ends, however it ends, the kernel removes it
/// (`NFT_TABLE_F_OWNER` in include/uapi/linux/netfilter/nf_tables.h).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untrack {
    /// The network namespace they lie in; `None` for the host's own.
    pub namespace: Option<String>,
    /// Their names there.
    pub interfaces: Vec<String>,
    /// Name of the table, which holds the campaign's token.
    pub table: String,
    /// The knob that asks for it.
    pub knob: String,
}

impl Untrack {
    /// The shell lines that do it.
    pub(super) fn shell(&self) -> Vec<String> {
        let within = self.namespace.as_ref().map_or_else(String::new, |namespace| format!("ip netns exec {namespace} "));
        let table = &self.table;
        let mut lines = vec![
            format!("{within}nft add table inet {table}"),
            format!("{within}nft add chain inet {table} links '{{ type filter hook prerouting priority raw; }}'"),
        ];
        let rule = |interface: &String| format!("{within}nft add rule inet {table} links iifname {interface} notrack");
        lines.extend(self.interfaces.iter().map(rule));
        lines
    }
}
