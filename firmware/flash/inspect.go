package flash

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
	"github.com/penjire/penjire/firmware/enrol"
)

// State is what a stretch of an image or medium holds.
type State string

// The states.
const (
	Released State = "as released"
	Changed  State = "changed" // what is written in service, or by an update, or by a fault
	Empty    State = "empty"
	Unread   State = "not read"
)

// Inspection is what an image or a medium is.
type Inspection struct {
	Path    string          `json:"path"`
	Image   bool            `json:"image"`             // its manifest is beside it: all of it should be as released
	Table   layout.Table    `json:"table,omitempty"`   // "": there is none that a kiosk starts from
	Release *layout.Release `json:"release,omitempty"` // that was written; nil: no manifest says it
	Signer  string          `json:"signer,omitempty"`
	// Signature is "good", or why it is not; "": there is no manifest.
	Signature string    `json:"signature,omitempty"`
	Parts     []Part    `json:"parts"`
	Slots     []SlotHas `json:"slots,omitempty"`
	Setup     string    `json:"setup"` // "none", what it is for, or why it cannot be read
	Data      DataHas   `json:"data"`
	Whole     bool      `json:"whole"` // every stretch was read and is as released

	layout []manifest.Range
}

// Part is a stretch.
type Part struct {
	Name  string `json:"name"`
	Start int64  `json:"start"`
	Size  int64  `json:"size"`
	State State  `json:"state"`
	Zero  bool   `json:"zero,omitempty"` // there is nothing in it, which may be as released
}

// SlotHas is what is in one of the places for a version.
type SlotHas struct {
	Name    string          `json:"name"`
	State   State           `json:"state"` // of its root
	Release *layout.Release `json:"release,omitempty"`
	Trees   []Tree          `json:"trees,omitempty"` // of a Raspberry Pi
	Wrong   string          `json:"wrong,omitempty"` // why its device trees cannot be read
}

// Inspect says what is in the file or on the medium at path. Unless quick is set it
// reads all of it, and tells progress how far it is.
func Inspect(ctx context.Context, path string, roots []*x509.Certificate, quick bool, progress func(done, all int64)) (*Inspection, error) {
	in := &Inspection{Path: path, Parts: []Part{}, Setup: "none"}
	img, err := Open(path, roots)
	switch {
	case err == nil:
		in.signed(img)
		in.Image = true
	case !errors.Is(err, ErrManifest):
		return nil, err
	default:
		img = &Image{Path: path}
	}
	at, err := readerAt(path)
	if err != nil {
		return nil, err
	}
	if at != nil {
		defer func() { _ = at.Close() }() // it was only read
	}
	first, err := img.beginning(8 << 10)
	if err != nil {
		return nil, err
	}
	in.Table = tableIn(first)
	if in.Release == nil && in.Table != "" {
		if err := in.fromMedium(at, img, roots); err != nil {
			return nil, err
		}
	}
	if in.layout == nil {
		return in, nil // nothing a kiosk starts from
	}
	if err := in.read(ctx, img, at, quick, progress); err != nil {
		return nil, err
	}
	if at != nil {
		in.slots(at)
	}
	return in, nil
}

func (in *Inspection) signed(img *Image) {
	r := img.Manifest.Release
	in.Release, in.Signer, in.Signature, in.layout = &r, img.Signer, "good", img.Manifest.Ranges
	if img.Unsigned != nil {
		in.Signature = img.Unsigned.Error()
	}
}

// readerAt opens what can be read anywhere: all but compressed images.
func readerAt(path string) (*os.File, error) {
	if strings.HasSuffix(path, ".zst") {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("flash: open %s: %w", path, err)
	}
	return f, nil
}

func (i *Image) beginning(n int64) ([]byte, error) {
	r, err := i.reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(r, n))
	if err != nil {
		return nil, fmt.Errorf("flash: read %s: %w", i.Path, err)
	}
	return b, nil
}

// tableIn says which partition table a medium of ours has.
func tableIn(first []byte) layout.Table {
	switch {
	case len(first) < 2*layout.Sector || first[510] != 0x55 || first[511] != 0xaa:
		return ""
	case bytes.HasPrefix(first[layout.Sector:], []byte("EFI PART")):
		return layout.GPT
	case binary.LittleEndian.Uint32(first[440:]) == layout.DiskID:
		return layout.MBR
	}
	return ""
}

// fromMedium takes the manifest that was left in the set-up partition when the
// medium was written; without one, the places of today's layout.
func (in *Inspection) fromMedium(at io.ReaderAt, img *Image, roots []*x509.Certificate) error {
	l, err := layout.For(map[layout.Table]string{layout.GPT: "vm", layout.MBR: "rpi3"}[in.Table])
	if err != nil {
		return fmt.Errorf("flash: %w", err)
	}
	for _, p := range l.Partitions {
		in.layout = append(in.layout, manifest.Range{Name: p.Name, Start: p.Start, Size: p.Size})
	}
	img.Manifest = manifest.Manifest{Size: l.Size(), Ranges: in.layout}
	if f, ok := at.(*os.File); !ok || f == nil {
		return nil
	}
	s := l.Partition(layout.Setup)
	b := make([]byte, s.Size)
	if _, err := at.ReadAt(b, s.Start); err != nil {
		return nil // shorter than a medium of ours; the reading says so
	}
	files, err := get(b, manifest.MaxFile, ManifestFile)
	if err != nil || files[ManifestFile] == nil {
		return nil // written by something else than penjire flash; the set-up's state says the rest
	}
	f, err := manifest.Parse(files[ManifestFile])
	if err != nil {
		in.Signature = err.Error()
		return nil
	}
	img.Manifest, img.Signer, img.Unsigned = f.Manifest, f.Signer.Subject.CommonName, f.Verify(roots)
	in.signed(img)
	return nil
}

// read goes through the stretches.
func (in *Inspection) read(ctx context.Context, img *Image, at *os.File, quick bool, progress func(done, all int64)) error {
	s, _ := find(in.layout, layout.Setup)
	d, _ := find(in.layout, layout.Data)
	setup, super := make([]byte, min(s.Size, 256<<20)), make([]byte, 4<<10)
	states, zeros := map[int64]State{}, map[int64]bool{}
	for _, r := range in.layout {
		states[r.Start] = Unread
	}
	if quick && at != nil {
		for off, b := range map[int64][]byte{s.Start: setup, d.Start: super} {
			if _, err := at.ReadAt(b, off); err != nil {
				return fmt.Errorf("flash: read %s at byte %d: %w", in.Path, off, err)
			}
		}
	} else {
		err := img.survey(ctx, func(off int64, b []byte) {
			overlap(off, b, s.Start, setup, func(image, own []byte) { copy(own, image) })
			overlap(off, b, d.Start, super, func(image, own []byte) { copy(own, image) })
			progress(off+int64(len(b)), img.Manifest.Size)
		}, func(r manifest.Range, st State, zero bool) { states[r.Start], zeros[r.Start] = st, zero })
		if err != nil {
			return err
		}
	}
	in.Whole = in.Release != nil && !quick
	for _, r := range in.layout {
		in.Parts = append(in.Parts, Part{r.Name, r.Start, r.Size, states[r.Start], zeros[r.Start]})
		in.Whole = in.Whole && states[r.Start] == Released
	}
	in.Setup = setupIn(setup)
	in.Data = dataIn(super, d)
	return nil
}

// survey hands the image's bytes to fn and says of each stretch what state it is in.
// Unlike each it goes on behind a wrong one.
func (i *Image) survey(ctx context.Context, fn func(off int64, b []byte), told func(r manifest.Range, st State, zero bool)) error {
	r, err := i.reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	d := newDigests(i.Manifest.Ranges)
	d.told = func(r manifest.Range, good, zero bool) {
		st := Changed
		switch {
		case r.SHA256 == manifest.Digest{}:
			st = Unread // nothing says what it should be
		case good:
			st = Released
		}
		if zero && !good {
			st = Empty
		}
		told(r, st, zero)
	}
	buf := make([]byte, chunk)
	for off := int64(0); off < i.Manifest.Size; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("flash: stopped at byte %d: %w", off, context.Cause(ctx))
		}
		b := buf[:min(chunk, i.Manifest.Size-off)]
		n, err := io.ReadFull(r, b)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("flash: read %s: %w: it ends at byte %d of %d", i.Path, ErrCorrupt, off+int64(n), i.Manifest.Size)
		}
		if err != nil {
			return fmt.Errorf("flash: read %s at byte %d: %w", i.Path, off, err)
		}
		_ = d.add(off, b) // told is set
		fn(off, b)
		off += int64(n)
	}
	return nil
}

func find(rs []manifest.Range, name string) (manifest.Range, bool) {
	return manifest.Manifest{Ranges: rs}.Range(name)
}

// setupIn says what set-up the partition b holds, without its secrets.
func setupIn(b []byte) string {
	files, err := get(b, 1<<20, enrol.SetupFile)
	if err != nil {
		return err.Error()
	}
	own, ok := files[enrol.SetupFile]
	if !ok {
		return "none"
	}
	s, err := enrol.ParseSetup(own)
	if err != nil {
		return fmt.Sprintf("there is one, and it cannot be read: %v", err)
	}
	return s.String()
}
