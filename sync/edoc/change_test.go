package edoc_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// A file that is written to, grows or shrinks between signing and writing makes
// no container.
func TestAttachmentChangesBeforeWriting(t *testing.T) {
	w := world(t)
	data := bytes.Repeat([]byte("page "), 50_000)
	for name, change := range map[string]func(*source){
		"first byte": func(s *source) { s.b[0]++ },
		"last byte":  func(s *source) { s.b[len(s.b)-1]++ },
		"truncated":  func(s *source) { s.b = s.b[:len(s.b)-1] },
		"empty":      func(s *source) { s.b = nil },
		"unreadable": func(s *source) { s.err = errors.New("the stick was pulled") },
	} {
		s := &source{b: bytes.Clone(data)}
		k := attached(t, w, edoc.At(s, int64(len(data))))
		change(s)
		var out bytes.Buffer
		_, err := k.WriteTo(&out)
		if want := cmpErr(s.err, edoc.ErrChanged); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if _, err := edoc.Parse(out.Bytes()); err == nil {
			t.Errorf("%s: what was written is a container", name)
		}
		if k.Bytes() != nil {
			t.Errorf("%s: there are bytes of it", name)
		}
		if _, err := io.Copy(io.Discard, k.Attachments()[0].Reader()); err == nil {
			t.Errorf("%s: it can be read", name)
		}
	}
}

// A container that changes between its check and the reading of an attachment
// does not give what was not checked.
func TestContainerChangesAfterOpen(t *testing.T) {
	w := world(t)
	data := bytes.Repeat([]byte("page "), 50_000)
	file := attached(t, w, edoc.Bytes(data)).Bytes()
	at := bytes.Index(file, data)
	for name, change := range map[string]func(*source){
		"first byte":  func(s *source) { s.b[at]++ },
		"last byte":   func(s *source) { s.b[at+len(data)-1]++ },
		"cut":         func(s *source) { s.b = s.b[:at+1000] },
		"another one": func(s *source) { copy(s.b[at:], bytes.Repeat([]byte("rage "), 50_000)) },
	} {
		s := &source{b: bytes.Clone(file)}
		k, err := edoc.Open(s, int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if r := k.Verify(w.Trust(), now); !r.Accepted() {
			t.Fatal(r.Whole)
		}
		change(s)
		if _, err := io.Copy(io.Discard, k.Attachments()[0].Reader()); !errors.Is(err, edoc.ErrChanged) && !strings.Contains(err.Error(), "size") {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := k.WriteTo(io.Discard); err == nil {
			t.Errorf("%s: it was written", name)
		}
		// What was checked stays what it was.
		if r := k.Verify(w.Trust(), now); r.Whole.Verdict != trust.Yes {
			t.Errorf("%s: the check now says %v", name, r.Whole)
		}
	}
}

// Whatever changes while a container is being opened, it is opened as something
// that one reading gave, or not at all.
func TestContainerChangesWhileOpening(t *testing.T) {
	w := world(t)
	c := card(t, w, "citizen-1")
	a := sign(t, request(c), c.Slots[specimen.SlotSign].Signer(), now)
	d := request(c)
	d.Heading = "Sargytnamy" // as long as the other
	b := sign(t, d, c.Slots[specimen.SlotSign].Signer(), now)
	one, two := a.Bytes(), b.Bytes()
	opened := 0
	for after := range 40 {
		k, err := edoc.Open(&turncoat{one: one, two: two, after: after}, int64(len(one)))
		if err != nil {
			continue
		}
		if k.Verify(w.Trust(), now).Whole.Verdict != trust.Yes {
			continue
		}
		opened++
		if k.ID() != a.ID() && k.ID() != b.ID() {
			t.Errorf("after %d readings: a third document", after)
		}
	}
	if opened == 0 {
		t.Error("it is never opened")
	}
}

// turncoat is another file from the nth reading on.
type turncoat struct {
	one, two []byte
	after    int
}

func (f *turncoat) ReadAt(p []byte, at int64) (int, error) {
	b := f.two
	if f.after > 0 {
		f.after--
		b = f.one
	}
	return (&source{b: b}).ReadAt(p, at)
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// source is a file that can change.
type source struct {
	b   []byte
	err error
}

func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	return bytes.NewReader(s.b).ReadAt(p, at)
}
