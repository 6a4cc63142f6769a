//! A double of EventStoreDB, for no server of it can be installed where the tests run.
//!
//! It speaks the subset of the public protocol that its client uses, over real sockets, and keeps
//! the server's rules, the unpleasant ones included. It is no server: it holds everything in
//! memory, knows no subscriptions, and nothing but tests may rely on it.

#![allow(clippy::result_large_err, reason = "the server's statuses are what it answers with")]

mod appending;
mod log;
mod reading;
mod wire;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::ProstCodec;
use tonic::server::Grpc;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tower::service_fn;

use log::Log;
use reading::Found;
use wire::{ClusterInfo, EndPoint, Member, ReadReq, ReadResp, SupportedMethod, SupportedMethods};

/// As large as a message may be for the server.
const MESSAGE_MAX: usize = 16 << 20;

/// As many calls as may be under way on one connection to the server, which keeps the default of
/// what it is built on.
const CALLS_MAX: u32 = 100;

/// As large as an append may be where docker-compose.yml starts a server.
const APPEND_SIZE: usize = 8 << 20;

/// A filtered read that takes the server more steps to its first event takes longer than anybody
/// waits: it sends nothing before.
const STEPS_MAX: u32 = 1000;

/// Within which what a node is at ends with it.
const KILLED_WITHIN: Duration = Duration::from_secs(30);

/// What goes wrong with the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is not written: the server is too busy.
    Busy,
    /// It is not written: the server gave up after its own two seconds.
    TimedOut,
    /// It is written, and the connection is lost before the answer.
    Drop,
    /// It is written, and the answer never comes.
    Silence,
    /// It is not written: another node leads.
    NotLeader { port: u16 },
    /// It is not written: the server ends the batch session as if all were well.
    CleanEnd,
}

/// What goes wrong with reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadTrouble {
    /// They are never answered.
    Silence,
    /// Something between the client and its server answers that there is no such call.
    NotFound,
    /// The server's user may not read what is asked for.
    Denied,
}

/// What the nodes of one double share.
pub(crate) struct Cluster {
    log: Mutex<Log>,
    troubles: Mutex<VecDeque<Trouble>>,
    leader: Mutex<usize>,
    ports: Vec<u16>,
    /// What goes wrong with so many of the next reads.
    read_troubles: Mutex<(usize, ReadTrouble)>,
    /// How many appends came alone, not in a batch session.
    appends_alone: AtomicUsize,
    /// Where the reads of all streams, forwards from a position, began.
    reads: Mutex<Vec<u64>>,
    /// How many reads of all streams began at the end.
    reads_from_end: AtomicUsize,
    /// As many events in a row as a filtered read may leave out; it waits before more of them, as
    /// one of a server does that has millions to look at.
    looks_at: watch::Sender<usize>,
}

impl Cluster {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    fn trouble(&self) -> Option<Trouble> {
        self.troubles.lock().unwrap().pop_front()
    }

    fn takes_clean_end(&self) -> bool {
        let mut troubles = self.troubles.lock().unwrap();
        let takes = troubles.front() == Some(&Trouble::CleanEnd);
        if takes {
            troubles.pop_front();
        }
        takes
    }

    fn read_trouble(&self) -> Option<ReadTrouble> {
        let mut troubles = self.read_troubles.lock().unwrap();
        let (left, trouble) = *troubles;
        troubles.0 = left.checked_sub(1)?;
        Some(trouble)
    }

    /// Waits until so many events in a row may be looked at.
    async fn look_at(&self, events: usize) {
        let may = self.looks_at.subscribe().wait_for(|max| events <= *max).await.map(drop);
        may.unwrap();
    }

    fn leader_port(&self) -> u16 {
        self.ports[*self.leader.lock().unwrap()]
    }
}

/// A double of one node or of a cluster. It ends when it is dropped.
pub(crate) struct Double {
    cluster: Arc<Cluster>,
    /// None for a node that is down.
    nodes: Vec<Option<Runtime>>,
}

impl Double {
    /// One node, as docker-compose.yml starts it.
    pub(crate) fn start() -> Self {
        Self::with(1, APPEND_SIZE)
    }

    /// One node that takes as much in one append as a server of 24.10 does when nobody sets it.
    pub(crate) fn with_default_limit() -> Self {
        Self::with(1, log::APPEND_SIZE_DEFAULT)
    }

    /// Three nodes, of which the first leads.
    pub(crate) fn cluster() -> Self {
        Self::with(3, APPEND_SIZE)
    }

    fn with(nodes: usize, append_size_max: usize) -> Self {
        let free = |_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let free: Vec<_> = (0..nodes).map(free).collect();
        let ports = free.iter().map(|it| it.local_addr().unwrap().port()).collect();
        drop(free);
        let cluster = Cluster {
            log: Mutex::new(Log::new(append_size_max)),
            troubles: Mutex::default(),
            leader: Mutex::new(0),
            ports,
            read_troubles: Mutex::new((0, ReadTrouble::Silence)),
            appends_alone: AtomicUsize::new(0),
            reads: Mutex::default(),
            reads_from_end: AtomicUsize::new(0),
            looks_at: watch::Sender::new(usize::MAX),
        };
        let mut double = Self { cluster: Arc::new(cluster), nodes: Vec::new() };
        for node in 0..nodes {
            double.nodes.push(None);
            double.raise(node);
        }
        double
    }

    /// How to connect to it.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> =
            self.cluster.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("esdb://{}?tls=false", hosts.join(","))
    }

    /// Its connections are cut in the middle of whatever they do, and it takes no new ones.
    pub(crate) fn kill(&mut self, node: usize) {
        if let Some(runtime) = self.nodes[node].take() {
            // On a thread of its own, for this may be called on a runtime; and to its end, so that
            // the port is free again.
            let ended = std::thread::spawn(move || runtime.shutdown_timeout(KILLED_WITHIN)).join();
            ended.unwrap();
        }
    }

    /// It is there again, with the log as it is and without what it remembered.
    pub(crate) fn raise(&mut self, node: usize) {
        self.cluster.log().restart();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.cluster.ports[node]));
        let (cluster, _entered) = (Arc::clone(&self.cluster), runtime.enter());
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let incoming = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
        // As the server does.
        let incoming = incoming.map(|socket| {
            let socket = socket?;
            socket.set_nodelay(true)?;
            std::io::Result::Ok(socket)
        });
        let port = address.port();
        let front = service_fn(move |request| {
            let cluster = Arc::clone(&cluster);
            async move { Ok::<_, std::convert::Infallible>(serve(cluster, port, request).await) }
        });
        let server = Server::builder().max_concurrent_streams(CALLS_MAX);
        runtime.spawn(server.serve_with_incoming(front, incoming));
        self.nodes[node] = Some(runtime);
    }

    /// Another node leads from now on.
    pub(crate) fn elect(&self, node: usize) {
        *self.cluster.leader.lock().unwrap() = node;
    }

    /// The next appends go wrong, one after the other.
    pub(crate) fn next_appends(&self, troubles: &[Trouble]) {
        self.cluster.troubles.lock().unwrap().extend(troubles);
    }

    /// The next reads are never answered.
    pub(crate) fn next_reads_hang(&self, count: usize) {
        *self.cluster.read_troubles.lock().unwrap() = (count, ReadTrouble::Silence);
    }

    /// The next reads do not reach it: somebody in between finds nothing where they go.
    pub(crate) fn next_reads_find_nothing(&self, count: usize) {
        *self.cluster.read_troubles.lock().unwrap() = (count, ReadTrouble::NotFound);
    }

    /// Filtered reads come to as many events in a row as they leave out, and not over more of
    /// them before this says so.
    pub(crate) fn looks_at(&self, events_max: usize) {
        self.cluster.looks_at.send_replace(events_max);
    }

    /// No read of all streams may begin there any more.
    pub(crate) fn lose_place(&self, position: u64) {
        self.cluster.log().lost_places.insert(position);
    }

    /// How many appends came alone, and not in a batch session.
    pub(crate) fn appends_alone(&self) -> usize {
        self.cluster.appends_alone.load(Ordering::Relaxed)
    }

    /// How many reads of all streams began at the end.
    pub(crate) fn reads_from_end(&self) -> usize {
        self.cluster.reads_from_end.load(Ordering::Relaxed)
    }

    /// Whoever reads is none of those who may.
    pub(crate) fn next_reads_are_denied(&self, count: usize) {
        *self.cluster.read_troubles.lock().unwrap() = (count, ReadTrouble::Denied);
    }

    /// The port of a node.
    pub(crate) fn port(&self, node: usize) -> u16 {
        self.cluster.ports[node]
    }

    /// How many events there are, the server's own among them.
    pub(crate) fn len(&self) -> usize {
        self.cluster.log().events.len()
    }

    /// How many events there are in a stream, whoever may see them.
    pub(crate) fn count(&self, stream: &str) -> usize {
        self.cluster.log().events.iter().filter(|event| event.stream == stream).count()
    }

    /// Where the reads of all streams, forwards from a position, began, one after the other.
    pub(crate) fn reads(&self) -> Vec<u64> {
        self.cluster.reads.lock().unwrap().clone()
    }

    /// Where the last of them began.
    pub(crate) fn read_from(&self) -> u64 {
        *self.reads().last().unwrap()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        for node in 0..self.nodes.len() {
            self.kill(node);
        }
    }
}

/// A status as the server tells it: the reason is in the trailers.
fn refusal(code: Code, exception: &'static str, message: &str) -> Status {
    let mut status = Status::new(code, message);
    status.metadata_mut().insert("exception", exception.parse().unwrap());
    status
}

fn not_leader(port: u16) -> Status {
    let mut status = refusal(Code::NotFound, "not-leader", "Leader info available");
    status.metadata_mut().insert("leader-endpoint-host", "127.0.0.1".parse().unwrap());
    status.metadata_mut().insert("leader-endpoint-port", port.into());
    status
}

async fn serve(
    cluster: Arc<Cluster>,
    port: u16,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let leads = cluster.leader_port() == port;
    let needs_leader = request.headers().get("requires-leader").is_some_and(|it| it == "true");
    let path = request.uri().path().to_owned();
    let Some((_, call)) = path.split_once("/event_store.client.") else {
        return Status::unimplemented(path).into_http();
    };
    if needs_leader && !leads && call.starts_with("streams.") {
        return not_leader(cluster.leader_port()).into_http();
    }
    match call {
        "server_features.ServerFeatures/GetSupportedMethods" => {
            let answer = service_fn(async |_: Request<()>| Ok(Response::new(features())));
            Grpc::new(ProstCodec::default()).unary(answer, request).await
        }
        "gossip.Gossip/Read" => {
            let answer = service_fn(move |_: Request<()>| {
                let members = Response::new(gossip(&cluster));
                async { Ok(members) }
            });
            Grpc::new(ProstCodec::default()).unary(answer, request).await
        }
        "streams.Streams/Append" => {
            cluster.appends_alone.fetch_add(1, Ordering::Relaxed);
            let answer = service_fn(move |request: Request<_>| {
                let append = appending::append(Arc::clone(&cluster), request.into_inner());
                async { append.await.map(Response::new) }
            });
            let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(MESSAGE_MAX);
            grpc.client_streaming(answer, request).await
        }
        "streams.Streams/BatchAppend" => {
            let answer = service_fn(move |request: Request<_>| {
                let leading = needs_leader.then_some(port);
                let answers = appending::batch(Arc::clone(&cluster), leading, request.into_inner());
                async { Ok(Response::new(answers)) }
            });
            let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(MESSAGE_MAX);
            grpc.streaming(answer, request).await
        }
        "streams.Streams/Read" => {
            let answer = service_fn(move |request: Request<ReadReq>| {
                read(Arc::clone(&cluster), request.into_inner())
            });
            Grpc::new(ProstCodec::default()).server_streaming(answer, request).await
        }
        "streams.Streams/Delete" | "streams.Streams/Tombstone" => {
            let hard = call.ends_with("Tombstone");
            let answer = service_fn(move |request: Request<_>| {
                let deleted = appending::delete(&cluster, request.into_inner(), hard);
                async { deleted.map(Response::new) }
            });
            Grpc::new(ProstCodec::default()).unary(answer, request).await
        }
        _ => Status::unimplemented(path).into_http(),
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

async fn read(cluster: Arc<Cluster>, request: ReadReq) -> Result<Response<Answers>, Status> {
    match cluster.read_trouble() {
        Some(ReadTrouble::Silence) => std::future::pending().await,
        Some(ReadTrouble::NotFound) => return Err(Status::not_found("no such route")),
        Some(ReadTrouble::Denied) => {
            return Err(refusal(Code::PermissionDenied, "access-denied", "Access Denied"));
        }
        None => {}
    }
    let options = request.options.ok_or_else(|| Status::invalid_argument("no options"))?;
    if let Some(position) = options.begins_at() {
        cluster.reads.lock().unwrap().push(position);
    }
    if options.begins_at_end() {
        cluster.reads_from_end.fetch_add(1, Ordering::Relaxed);
    }
    let found = reading::read(&cluster.log(), options)?;
    // One after the other, as they are taken: all of a log would be much at once.
    let answers: Answers = match found {
        Found::Answers(answers) => Box::pin(tokio_stream::iter(answers.into_iter().map(Ok))),
        Found::Places { places, looked_at, steps, behind } => {
            if steps > STEPS_MAX {
                std::future::pending::<()>().await;
            }
            // Nothing is sent, not even that there is an answer, before the first of them.
            cluster.look_at(looked_at).await;
            let gaps = places.windows(2).map(|pair| pair[0].abs_diff(pair[1])).chain([behind]);
            let gaps: Vec<_> = gaps.collect();
            let events = stream::iter(places.into_iter().zip(gaps));
            let events = events.flat_map(move |(place, gap)| {
                let event = Ok(reading::of_all(&cluster.log().events[place]));
                let cluster = Arc::clone(&cluster);
                let looking = async move { cluster.look_at(gap).await };
                // What is looked at behind an event is no part of the answer.
                stream::iter([event]).chain(looking.into_stream().filter_map(async |()| None))
            });
            Box::pin(events)
        }
    };
    Ok(Response::new(answers))
}

/// Names are in lower case, and the version is digits and dots.
fn features() -> SupportedMethods {
    let method = |method: &str, features: &[&str]| SupportedMethod {
        method: method.to_owned(),
        service: "event_store.client.streams.streams".to_owned(),
        features: features.iter().map(|&it| it.to_owned()).collect(),
    };
    let methods = vec![
        method("append", &[]),
        method("batchappend", &["deadline_duration"]),
        method("read", &["position", "events"]),
        method("delete", &[]),
        method("tombstone", &[]),
    ];
    SupportedMethods { methods, version: "24.10.14".to_owned() }
}

fn gossip(cluster: &Cluster) -> ClusterInfo {
    let leader = cluster.leader_port();
    let member = |&port: &u16| Member {
        time_stamp: 0,
        state: if port == leader { 8 } else { 6 },
        is_alive: true,
        http_end_point: Some(EndPoint { address: "127.0.0.1".to_owned(), port: port.into() }),
    };
    ClusterInfo { members: cluster.ports.iter().map(member).collect() }
}
