use qtests::FromFault;

#[derive(FromFault)]
enum ShopError {
    #[fault(kind = TimedOut)]
    Slow,
    Broken(String),
}

fn main() {}
