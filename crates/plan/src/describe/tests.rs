use super::*;

#[test]
fn durations_read_as_one_would_say_them() {
    assert_eq!(duration(6_400_000_000), "6.4 s");
    assert_eq!(duration(70_400_000_000), "1 min 11 s");
    assert_eq!(duration(7_260_000_000_000), "2 h 1 min");
}
