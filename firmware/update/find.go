package update

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/sync/release"
)

// Names of the two files of a release, which lie beside one another.
const (
	BundleExt      = ".raucb"
	DescriptionExt = ".release"
)

// Found is a release as it lies on a medium. Nothing of it is believed yet.
type Found struct {
	Signed []byte // the description
	Bundle string // path of the bundle
	Size   int64  // of the bundle; -1: it is not there
}

// ErrNone is of a folder that has no release.
var ErrNone = errors.New("update: there is no release (*" + DescriptionExt + ")")

// maxFound is how many descriptions of one folder are read.
const maxFound = 64

// Find returns the release at path: that of one of its two files, or the newest one for
// the board in a folder. Its error is ErrNone, a *Refused (there are only releases for
// other boards), or what the medium says.
func Find(path, board string) (Found, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Found{}, fmt.Errorf("update: look for a release: %w", err)
	}
	if !info.IsDir() {
		return found(strings.TrimSuffix(strings.TrimSuffix(path, BundleExt), DescriptionExt) + DescriptionExt)
	}
	names, err := filepath.Glob(filepath.Join(path, "*"+DescriptionExt))
	if err != nil {
		return Found{}, fmt.Errorf("update: look for a release: %w", err)
	}
	var best, unread Found
	var newest uint64
	other := false
	for _, name := range names[:min(len(names), maxFound)] {
		if strings.HasPrefix(filepath.Base(name), ".") { // other systems' own
			continue
		}
		f, err := found(name)
		if err != nil {
			return Found{}, err
		}
		r, err := release.Read(f.Signed)
		switch {
		case err != nil:
			unread = f
		case r.Board != board:
			other = true
		case r.Build > newest:
			best, newest = f, r.Build
		}
	}
	switch {
	case newest > 0:
		return best, nil
	case unread.Signed != nil:
		return unread, nil // whoever opens it says what is wrong
	case other:
		return Found{}, &Refused{Code: release.CodeBoard}
	}
	return Found{}, ErrNone
}

// found reads a description and looks for the bundle beside it.
func found(name string) (Found, error) {
	f, err := os.Open(name)
	if err != nil {
		return Found{}, fmt.Errorf("update: read a release's description: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	out := Found{Bundle: strings.TrimSuffix(name, DescriptionExt) + BundleExt, Size: -1}
	if out.Signed, err = io.ReadAll(io.LimitReader(f, release.MaxSigned+1)); err != nil {
		return Found{}, fmt.Errorf("update: read a release's description: %w", err)
	}
	info, err := os.Stat(out.Bundle)
	switch {
	case err == nil:
		out.Size = info.Size()
	case !errors.Is(err, os.ErrNotExist):
		return Found{}, fmt.Errorf("update: look for the release's bundle: %w", err)
	}
	return out, nil
}

// Examine says whether this kiosk would take what was found, without taking it: nil, or
// a *Refused. It looks at the bundle's size, not at its bytes: they are checked as they
// are copied. The description is returned wherever it could be believed.
func (u *Updater) Examine(f Found) (*release.Release, error) {
	u.mu.Lock()
	s, keys, own := u.s, u.keys, u.c.Own
	u.mu.Unlock()
	r, _, err := release.Open(f.Signed, keys)
	if err != nil {
		return nil, &Refused{release.CodeOf(err), err}
	}
	own.Slot = u.slot
	most, base := u.space()
	if code := refusal(s, Offered{Release: r}, Facts{Own: own, Room: most, Base: base, Slot: u.room}); code != "" {
		return r, &Refused{Code: code}
	}
	if f.Size != r.Content.Size {
		return r, &Refused{release.CodeCorrupt, fmt.Errorf("its bundle has %d bytes, want %d", f.Size, r.Content.Size)}
	}
	return r, nil
}
