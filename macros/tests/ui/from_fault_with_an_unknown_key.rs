use qtests::FromFault;

#[derive(FromFault)]
enum ShopError {
    #[fault(kinds = TimedOut)]
    Slow,
    #[fault]
    Broken,
}

fn main() {}
