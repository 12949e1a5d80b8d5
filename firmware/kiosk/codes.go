package kiosk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/outbox"
)

// codes keeps the tracking codes of requests without a card until their
// receipts are out, also through a power cut. Such a code opens an answer, so
// whoever takes the disk must not find it (ADR 8). It is not in the outbox,
// whose free pages hold for long what was removed: here each code has a slot of
// its own, which is overwritten where it stands.
type codes struct {
	mu    sync.Mutex
	f     *os.File
	slots []slot // as in the file
}

// slot is one place in the file: the document, the code and a digest of both.
// A slot that is not whole is free.
type slot struct {
	doc  outbox.Doc
	code string // empty: free
}

const (
	codeLen = 10
	slotLen = 64 // 32 + 10 + 22 of the digest: never across two sectors
	// moreSlots are made at once, so that keeping a code seldom grows the file.
	moreSlots = 64
)

func openCodes(path string) (*codes, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("kiosk: open the codes of receipts: %w", err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("kiosk: read the codes of receipts: %w", err), f.Close())
	}
	c := &codes{f: f}
	for at := 0; at+slotLen <= len(b); at += slotLen {
		c.slots = append(c.slots, parseSlot(b[at:at+slotLen]))
	}
	return c, nil
}

func parseSlot(b []byte) slot {
	s := slot{outbox.Doc(b[:32]), string(b[32 : 32+codeLen])}
	if code, err := edoc.ParseCode(s.code); err != nil || code != s.code || !bytes.Equal(s.bytes(), b) {
		return slot{}
	}
	return s
}

func (s slot) bytes() []byte {
	if s.code == "" {
		return make([]byte, slotLen)
	}
	b := append(s.doc[:len(s.doc):len(s.doc)], s.code...)
	sum := sha256.Sum256(b)
	return append(b, sum[:slotLen-len(b)]...)
}

// keep makes the code of a document durable.
func (c *codes) keep(doc outbox.Doc, code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := -1
	for i, s := range c.slots {
		if s.code != "" && s.doc == doc {
			return nil
		}
		if s.code == "" && at < 0 {
			at = i
		}
	}
	if at < 0 {
		at = len(c.slots)
		if _, err := c.f.WriteAt(make([]byte, moreSlots*slotLen), int64(at)*slotLen); err != nil {
			return fmt.Errorf("kiosk: make room for codes of receipts: %w", err)
		}
		c.slots = append(c.slots, make([]slot, moreSlots)...)
	}
	return c.write(at, slot{doc, code})
}

// of returns the code kept for a document, empty if there is none.
func (c *codes) of(doc outbox.Doc) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.slots {
		if s.code != "" && s.doc == doc {
			return s.code
		}
	}
	return ""
}

// docs returns the documents whose codes are kept.
func (c *codes) docs() (out []outbox.Doc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.slots {
		if s.code != "" {
			out = append(out, s.doc)
		}
	}
	return out
}

// forget overwrites the code of a document.
func (c *codes) forget(doc outbox.Doc) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.slots {
		if s.code != "" && s.doc == doc {
			return c.write(i, slot{})
		}
	}
	return nil
}

func (c *codes) write(at int, s slot) error {
	_, err := c.f.WriteAt(s.bytes(), int64(at)*slotLen)
	if err == nil {
		err = c.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("kiosk: write a code of a receipt: %w", err)
	}
	c.slots[at] = s
	return nil
}

func (c *codes) close() error {
	if err := c.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("kiosk: close the codes of receipts: %w", err)
	}
	return nil
}

// forgetCodes overwrites the codes that no receipt needs any more.
func (k *Kiosk) forgetCodes(ctx context.Context) {
	docs := k.codes.docs()
	if len(docs) == 0 || !k.keeping.TryLock() {
		return // what is being queued is looked at next time
	}
	defer k.keeping.Unlock()
	for _, doc := range docs {
		if k.needed(ctx, doc) {
			continue
		}
		if err := k.codes.forget(doc); err != nil {
			k.log.Error("a code of a receipt could not be forgotten", "err", err)
		}
	}
}

// needed reports whether the code of doc may still have to be printed: the
// receipt is not out, and it waits for the printer or for someone here. What
// never came into the outbox has no receipt.
func (k *Kiosk) needed(ctx context.Context, doc outbox.Doc) bool {
	r, err := k.box.Get(ctx, doc)
	switch {
	case errors.Is(err, outbox.ErrNotFound):
		return false
	case err != nil, r.Receipt == outbox.Queued, r.Receipt == outbox.Printing:
		return true
	}
	return r.Receipt != outbox.Printed && k.shown(doc)
}

// shown reports whether somebody may still ask for the receipt of doc: it is on
// the page, or offered on the start page after a power cut.
func (k *Kiosk) shown(doc outbox.Doc) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.interrupted, doc) {
		return true
	}
	if k.visit == nil {
		return false
	}
	s := k.visit.state
	return s.Done != nil && s.Done.Doc == doc || s.Request != nil && s.Request.Doc == doc
}
