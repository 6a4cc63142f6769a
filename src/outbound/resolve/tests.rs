use std::cell::Cell;

use super::*;

fn public() -> Vec<SocketAddr> {
    vec!["93.184.215.14:0".parse().unwrap()]
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_once_in_half_a_minute() {
    let (memory, asked) = (Memory::default(), Cell::new(0));
    let look_up = || async {
        asked.set(asked.get() + 1);
        Ok(public())
    };
    for _ in 0..3 {
        assert_eq!(memory.find("example.com", look_up).await.unwrap(), public());
    }
    assert_eq!(asked.get(), 1);
    memory.find("example.org", look_up).await.unwrap();
    assert_eq!(asked.get(), 2);
    tokio::time::advance(REMEMBERED_FOR).await;
    memory.find("example.com", look_up).await.unwrap();
    assert_eq!(asked.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_found_is_looked_up_again() {
    let memory = Memory::default();
    let nothing = || async { Err(io::ErrorKind::NotFound.into()) };
    assert!(memory.find("example.com", nothing).await.is_err());
    assert_eq!(memory.find("example.com", || async { Ok(public()) }).await.unwrap(), public());
}

#[tokio::test(start_paused = true)]
async fn no_more_names_are_remembered_than_have_room() {
    let memory = Memory::default();
    for number in 0..2 * REMEMBERED_MAX {
        memory.find(&number.to_string(), || async { Ok(public()) }).await.unwrap();
        assert!(memory.0.len() <= REMEMBERED_MAX);
    }
}

#[test]
fn remembered_addresses_are_checked_like_any_others() {
    let rules = Rules::allowing(vec![]);
    let found: Vec<SocketAddr> = vec!["10.0.0.1:0".parse().unwrap()];
    let refused = allowed(&rules, "example.com", found.into_iter()).unwrap_err();
    assert!(refused.to_string().contains("10.0.0.1 is private"), "{refused}");
}
