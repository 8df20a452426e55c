//! The layer that hands each line to the test that it belongs to.

use super::{
    book::LogBook,
    line::{LogLine, LogSpan},
    stray,
    values::Values,
};
use crate::scope::current;
use std::{borrow::Cow, sync::Arc, thread, time::Duration};
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::{LookupSpan, SpanRef},
};

/// Hands each line to the test that it belongs to.
#[derive(Debug)]
pub(super) struct Route;

thread_local! {
    static THREAD: Arc<str> = thread::current().name().unwrap_or_default().into();
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Route {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut values = Values::new();
        attributes.record(&mut values);
        let held = LogSpan { name: span.name(), fields: values.fields };
        #[cfg(feature = "tracing-test")]
        super::traced::notice(span.metadata(), &held);
        span.extensions_mut().replace(Arc::new(held));
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // The values may be formatted by code that looks at its span, so no lock is held meanwhile.
        let mut held = LogSpan::clone(&span_of(&span));
        let mut values = Values::onto(held.fields);
        record.record(&mut values);
        held.fields = values.fields;
        span.extensions_mut().replace(Arc::new(held));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans = context.event_scope(event).map(|scope| scope.from_root().map(|span| span_of(&span)).collect());
        let line = line(event, spans.unwrap_or_default());
        match current() {
            Some(scope) => {
                let book = LogBook::of(&scope);
                let _line = book.push(&scope, line);
                #[cfg(feature = "tracing-test")]
                super::traced::of_a_test(&scope, &book, &_line);
            }
            None => {
                #[cfg(feature = "tracing-test")]
                super::traced::of_no_test(&line);
                stray::push(line);
            }
        }
    }
}

fn span_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Arc<LogSpan> {
    let held = span.extensions().get::<Arc<LogSpan>>().cloned();
    held.unwrap_or_else(|| Arc::new(LogSpan { name: span.name(), fields: Vec::new() }))
}

fn line(event: &Event<'_>, spans: Vec<Arc<LogSpan>>) -> LogLine {
    let mut values = Values::new();
    event.record(&mut values);
    let metadata = event.metadata();
    let of_log = if metadata.target() == "log" { values.take_target_of_log() } else { None };
    LogLine {
        at: Duration::ZERO,
        level: *metadata.level(),
        target: of_log.map_or(Cow::Borrowed(metadata.target()), Cow::Owned),
        message: values.message,
        fields: values.fields,
        spans,
        thread: THREAD.try_with(Arc::clone).unwrap_or_else(|_| "".into()),
    }
}
