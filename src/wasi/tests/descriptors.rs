//! Descriptor numbers against a model, over random sequences of opening, closing and renumbering.

use crate::guest::{Guest, RW, in_dir};
use proptest::prelude::*;
use terrace_wasi::{Errno, OFlags};

#[derive(Clone, Copy, Debug)]
enum Step {
    Open(u8),
    Close(u32),
    Renumber(u32, u32),
    Seek(u32, u8),
    Read(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let fd = 0..12u32;
    prop_oneof![
        (0..4u8).prop_map(Step::Open),
        fd.clone().prop_map(Step::Close),
        (fd.clone(), fd.clone()).prop_map(|(from, to)| Step::Renumber(from, to)),
        (fd.clone(), 0..3u8).prop_map(|(fd, at)| Step::Seek(fd, at)),
        fd.prop_map(Step::Read),
    ]
}

/// What a descriptor is in the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Model {
    Input,
    Output,
    Directory,
    File { content: u8, position: u8 },
}

const FILE_LEN: u8 = 3;

/// Compares the kind of every descriptor, and what files hold.
fn compare(guest: &mut Guest, model: &[Option<Model>]) {
    for (fd, expected) in (0u32..).zip(model) {
        match expected {
            None => {
                assert_eq!(guest.fdstat(fd).map(|_| ()), Err(Errno::Badf), "{fd}");
            }
            Some(Model::Input) => assert_eq!(guest.read(fd, 1), Ok(b"".to_vec()), "{fd}"),
            Some(Model::Output) => assert_eq!(guest.write(fd, b"x"), Ok(1), "{fd}"),
            Some(Model::Directory) => {
                let stat: Result<[u8; 8], Errno> = guest.returning("fd_prestat_get", &[fd.into()]);
                assert!(stat.is_ok(), "{fd}");
            }
            Some(Model::File { content, position }) => {
                let bytes = vec![*content; FILE_LEN.into()];
                assert_eq!(guest.pread(fd, 9, 0), Ok(bytes), "{fd}");
                assert_eq!(guest.tell(fd), Ok(u64::from(*position)), "{fd}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn numbers_follow_the_model(steps in prop::collection::vec(step(), 1..40)) {
        let (dir, mut guest) = in_dir();
        for content in 0..4u8 {
            let path = dir.path().join(content.to_string());
            std::fs::write(path, vec![content; FILE_LEN.into()]).unwrap();
        }
        let mut model = vec![
            Some(Model::Input),
            Some(Model::Output),
            Some(Model::Output),
            Some(Model::Directory),
        ];
        for step in steps {
            let slot = |model: &[Option<Model>], fd: u32| model.get(fd as usize).copied().flatten();
            match step {
                Step::Open(content) => {
                    let opened = guest.open(&content.to_string(), OFlags::empty(), RW);
                    if slot(&model, 3) != Some(Model::Directory) {
                        let errno = opened.unwrap_err();
                        prop_assert!(matches!(errno, Errno::Badf | Errno::Notdir));
                        continue;
                    }
                    let file = Some(Model::File { content, position: 0 });
                    // The highest free number below the end, or the end.
                    let free = model.iter().rposition(Option::is_none);
                    prop_assert_eq!(opened, Ok(free.unwrap_or(model.len()) as u32));
                    match free {
                        Some(fd) => model[fd] = file,
                        None => model.push(file),
                    }
                }
                Step::Close(fd) => {
                    let expected = match slot(&model, fd) {
                        Some(_) => Errno::Success,
                        None => Errno::Badf,
                    };
                    prop_assert_eq!(guest.close(fd), expected);
                    if let Some(slot) = model.get_mut(fd as usize) {
                        *slot = None;
                    }
                }
                Step::Renumber(from, to) => {
                    let result = guest.errno("fd_renumber", &[from.into(), to.into()]);
                    match (slot(&model, from), slot(&model, to)) {
                        (Some(moved), Some(_)) => {
                            prop_assert_eq!(result, Errno::Success);
                            model[from as usize] = None;
                            model[to as usize] = Some(moved);
                        }
                        _ => prop_assert_eq!(result, Errno::Badf),
                    }
                }
                Step::Seek(fd, at) => {
                    let moved = guest.seek(fd, at.into(), 0);
                    let expected = match model.get_mut(fd as usize) {
                        Some(Some(Model::File { position, .. })) => {
                            *position = at;
                            Ok(u64::from(at))
                        }
                        Some(Some(Model::Input | Model::Output)) => Err(Errno::Spipe),
                        _ => Err(Errno::Badf),
                    };
                    prop_assert_eq!(moved, expected);
                }
                Step::Read(fd) => {
                    let read = guest.read(fd, 1);
                    let expected = match model.get_mut(fd as usize) {
                        Some(Some(Model::File { content, position })) => {
                            if *position < FILE_LEN {
                                *position += 1;
                                Ok(vec![*content])
                            } else {
                                Ok(vec![])
                            }
                        }
                        Some(Some(Model::Input)) => Ok(vec![]),
                        _ => Err(Errno::Badf),
                    };
                    prop_assert_eq!(read, expected);
                }
            }
            compare(&mut guest, &model);
        }
    }
}
