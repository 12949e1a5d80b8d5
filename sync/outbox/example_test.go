package outbox_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/penjire/penjire/sync/outbox"
)

// A request is accepted, leaves, and is forgotten when the portal has it.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "outbox")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: "K-000001"})
	if err != nil {
		log.Fatal(err)
	}
	r, err := o.Accept(ctx, outbox.Draft{
		Doc:     sha256.Sum256([]byte("a manifest")), // what edoc calls ID
		Service: "complaint", Lang: "tk", Claimed: time.Now(),
		Sealed: []byte("what only the portal can open"),
	})
	if err != nil {
		log.Fatal(err) // nothing was accepted, and nobody may say so
	}
	fmt.Println(r.Seq, r.State, "receipt:", r.Receipt)

	recs, err := o.Lease(ctx, 64, 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(recs[0].Seq, recs[0].State, len(recs[0].Sealed), "bytes")

	err = o.Receipted(ctx, []outbox.Receipt{{
		Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: time.Now(), Bytes: []byte("verified by the caller"),
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Stats(ctx).Unsent, "unsent")
	if err := o.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 accepted receipt: queued
	// 1 sending 29 bytes
	// 0 unsent
}
