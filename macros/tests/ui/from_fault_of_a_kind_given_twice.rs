use qtests::FromFault;

#[derive(FromFault)]
enum ShopError {
    #[fault(kind = TimedOut | WouldBlock)]
    Slow,
    #[fault(kind = TimedOut)]
    Late,
    #[fault]
    Broken,
}

fn main() {}
