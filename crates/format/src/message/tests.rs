//! Messages and blocks, written and read again; streams that break off.

use super::*;

#[test]
fn messages_and_blocks_round_trip() {
    let mut stream = Vec::new();
    write_message(&mut stream, &Command::Start).unwrap();
    write_arrivals(&mut stream, &[1, 2, 3]).unwrap();
    let mut input = stream.as_slice();
    assert_eq!(read_frame(&mut input).unwrap(), Some(Frame::Json(b"\"start\"".to_vec())));
    assert_eq!(read_frame(&mut input).unwrap(), Some(Frame::Arrivals(vec![1, 2, 3])));
    assert_eq!(read_frame(&mut input).unwrap(), None);
}

#[test]
fn bytes_of_programs_and_files_round_trip_and_files_stay_in_their_folder() {
    let mut stream = Vec::new();
    write_stream(&mut stream, 7, Stream::Error, b"no").unwrap();
    write_file(&mut stream, "a/b.txt", b"text").unwrap();
    write_file(&mut stream, "../b.txt", b"text").unwrap();
    let mut input = stream.as_slice();
    let said = Frame::Stream { session: 7, stream: Stream::Error, bytes: b"no".to_vec() };
    assert_eq!(read_frame(&mut input).unwrap(), Some(said));
    let file = Frame::File { name: "a/b.txt".to_owned(), bytes: b"text".to_vec() };
    assert_eq!(read_frame(&mut input).unwrap(), Some(file));
    assert!(read_frame(&mut input).is_err());
}

#[test]
fn a_broken_stream_is_an_error_not_an_allocation() {
    assert!(read_frame(&mut [0xff, 0xff, 0xff, 0xff, 0].as_slice()).is_err());
    assert!(read_frame(&mut [5, 0, 0, 0, 0, b'x'].as_slice()).is_err());
    assert!(read_frame(&mut [2, 0, 0, 0, 9, 9].as_slice()).is_err());
}
