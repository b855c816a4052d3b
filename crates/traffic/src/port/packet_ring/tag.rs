//! VLAN tags that the kernel takes out of a frame and hands over beside it.

/// Bytes kept free before each frame, to put a tag back.
pub(in crate::port) const RESERVE: libc::c_int = 4;

/// Length of an IEEE 802.1Q tag.
const TAG: usize = 4;

/// Moves both addresses of the frame that lies from `start` to `end` up to make room for the tag again, and gives its new start.
#[cold]
pub(in crate::port) fn put_back(bytes: &mut [u8], start: usize, end: usize, protocol: u16, tag: u16) -> usize {
    const ADDRESSES: usize = 12;
    if start < TAG || start + ADDRESSES > end {
        return start;
    }
    let tagged = start - TAG;
    bytes.copy_within(start..start + ADDRESSES, tagged);
    bytes[start + ADDRESSES - TAG..][..2].copy_from_slice(&protocol.to_be_bytes());
    bytes[start + ADDRESSES - TAG + 2..][..2].copy_from_slice(&tag.to_be_bytes());
    tagged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_comes_between_the_addresses_and_the_type() {
        let mut bytes: Vec<u8> = (0..24).collect();
        assert_eq!(put_back(&mut bytes, 6, 24, 0x8100, 0x2005), 2);
        let addresses: Vec<u8> = (6..18).collect();
        assert_eq!(bytes[2..], [addresses, vec![0x81, 0, 0x20, 5], (18..24).collect()].concat());
        // no room before it, or no whole addresses in it
        assert_eq!(put_back(&mut bytes, 3, 24, 0x8100, 1), 3);
        assert_eq!(put_back(&mut bytes, 6, 17, 0x8100, 1), 6);
    }
}
