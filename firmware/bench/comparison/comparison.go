// Package comparison measures the outbox beside what one would take otherwise: a
// raw file, SQLite as a queue, NATS JetStream. It is a module of its own, so that
// the product depends on none of them; it holds only benchmarks.
package comparison
