package comparison

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite"

	"github.com/penjire/penjire/sync/outbox"
)

// open opens every queue; they are closed when the benchmark ends.
func open(b *testing.B) []engine {
	b.Helper()
	keep := func(e engine, end func() error, err error) engine {
		b.Helper()
		if err != nil {
			b.Fatalf("open %s: %v", e.name, err)
		}
		b.Cleanup(func() {
			if err := end(); err != nil {
				b.Errorf("close %s: %v", e.name, err)
			}
		})
		return e
	}
	return []engine{
		keep(raw(b.TempDir(), false)), keep(raw(b.TempDir(), true)), keep(ours(b.TempDir())),
		keep(lite(b.TempDir(), false)), keep(lite(b.TempDir(), true)), keep(jetStream(b.TempDir())),
	}
}

// group commits what came while the last commit ran. end ends it.
func group(commit func(records [][]byte) error) (put func([]byte) error, end func()) {
	type op struct {
		record []byte
		done   chan error
	}
	in := make(chan op, 256)
	var ended sync.WaitGroup
	ended.Go(func() {
		for first := range in {
			ops, records := []op{first}, [][]byte{first.record}
			for more := true; more && len(ops) < 256; {
				select {
				case o, ok := <-in:
					if more = ok; ok {
						ops, records = append(ops, o), append(records, o.record)
					}
				default:
					more = false
				}
			}
			err := commit(records)
			for _, o := range ops {
				o.done <- err
			}
		}
	})
	put = func(record []byte) error {
		o := op{record, make(chan error, 1)}
		in <- o
		return <-o.done
	}
	return put, func() {
		close(in)
		ended.Wait()
	}
}

// raw appends to a file and flushes it: what every queue must do at least.
func raw(dir string, grouped bool) (engine, func() error, error) {
	f, err := os.OpenFile(filepath.Join(dir, "raw"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return engine{name: "raw"}, nil, err
	}
	var mu sync.Mutex
	write := func(b []byte) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := f.Write(b)
		return errors.Join(err, unix.Fdatasync(int(f.Fd())))
	}
	if !grouped {
		return engine{"raw", write}, f.Close, nil
	}
	put, end := group(func(records [][]byte) error {
		var all []byte
		for _, r := range records {
			all = append(all, r...)
		}
		return write(all)
	})
	return engine{"raw-group", put}, func() error { end(); return f.Close() }, nil
}

// ours is the outbox, with its request, state, print job and journal.
func ours(dir string) (engine, func() error, error) {
	o, err := outbox.Open(context.Background(), dir, outbox.Options{Kiosk: "K-000001", MaxSize: 2 << 30})
	if err != nil {
		return engine{name: "outbox"}, nil, err
	}
	var n atomic.Uint64
	return engine{"outbox", func(record []byte) error {
		doc := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n.Add(1)))
		_, err := o.Accept(context.Background(), outbox.Draft{
			Doc: doc, Code: "0000000000", Service: "complaint", ServiceVersion: 1, Lang: "tk", Owner: outbox.Owner{1, doc[0]},
			Sealed: record, Claimed: time.Now(), Signature: doc,
		})
		return err
	}}, o.Close, nil
}

// lite is SQLite as a queue, with each commit durable: one insert in each
// transaction, or what came meanwhile.
func lite(dir string, grouped bool) (engine, func() error, error) {
	name := "sqlite"
	if grouped {
		name = "sqlite-group"
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "queue.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return engine{name: name}, nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE queue (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)"); err != nil {
		return engine{name: name}, nil, errors.Join(err, db.Close())
	}
	insert, err := db.Prepare("INSERT INTO queue (body) VALUES (?)")
	if err != nil {
		return engine{name: name}, nil, errors.Join(err, db.Close())
	}
	closeBoth := func() error { return errors.Join(insert.Close(), db.Close()) }
	if !grouped {
		return engine{name, func(record []byte) error { _, err := insert.Exec(record); return err }}, closeBoth, nil
	}
	put, end := group(func(records [][]byte) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		in := tx.Stmt(insert)
		for _, r := range records {
			if _, err := in.Exec(r); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		return tx.Commit()
	})
	return engine{name, put}, func() error { end(); return closeBoth() }, nil
}

// jetStream is a NATS server in this process with one stream whose every message
// is flushed before it is acknowledged.
func jetStream(dir string) (engine, func() error, error) {
	e := engine{name: "jetstream"}
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: dir, DontListen: true, SyncAlways: true, NoLog: true, NoSigs: true})
	if err != nil {
		return e, nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return e, nil, errors.New("the server is not ready")
	}
	c, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return e, nil, err
	}
	js, err := jetstream.New(c)
	if err != nil {
		return e, nil, err
	}
	ctx := context.Background()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "queue", Subjects: []string{"queue.>"}, Storage: jetstream.FileStorage, Replicas: 1}); err != nil {
		return e, nil, err
	}
	e.put = func(record []byte) error {
		_, err := js.Publish(ctx, "queue.one", record)
		return err
	}
	return e, func() error {
		c.Close()
		s.Shutdown()
		s.WaitForShutdown()
		return nil
	}, nil
}
