// Package tree changes a root file system while it goes by as a tar stream: files
// are left out, edited, taken aside and added. So neither a folder with foreign
// owners nor root's rights are needed, and what comes out depends on nothing but
// what goes in.
package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Changes are what is changed. Paths have no leading slash.
type Changes struct {
	Drop  func(at string) bool                       // what is left out
	Edit  map[string]func(b []byte) []byte           // small files, after Drop
	Take  map[string]func(at string, b []byte) error // patterns of files that are handed over besides, before Drop
	Files map[string]File                            // added, or put in the place of what is there
	Links map[string]string                          // symbolic links, likewise
	Dirs  map[string]Meta                            // folders that must be there
	Time  time.Time                                  // nothing is younger, and what is added is as old
}

// Meta is what a file or folder has besides its name and content.
type Meta struct {
	Mode     int64
	UID, GID int
}

// File is a file to be added.
type File struct {
	Mode     int64
	UID, GID int
	Body     []byte
}

// largest is the largest file that is edited or taken.
const largest = 256 << 20

// Apply copies the tar stream from r to w with c's changes. An edit or a pattern
// of Take that nothing came by for is an error: what it was for has moved.
func Apply(w io.Writer, r io.Reader, c Changes) error {
	a := applier{c: c, w: tar.NewWriter(w), seen: map[string]bool{}, left: map[string]bool{}}
	for at := range c.Edit {
		a.left[at] = true
	}
	for at := range c.Take {
		a.left[at] = true
	}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("tree: read: %w", err)
		}
		if err := a.entry(h, tr); err != nil {
			return fmt.Errorf("tree: %s: %w", h.Name, err)
		}
	}
	if len(a.left) > 0 {
		return fmt.Errorf("tree: not in the root file system: %q", slices.Sorted(maps.Keys(a.left)))
	}
	if err := a.add(); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	if err := a.w.Close(); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	return nil
}

type applier struct {
	c    Changes
	w    *tar.Writer
	seen map[string]bool // paths written
	left map[string]bool // of Edit and Take
}

func (a *applier) entry(h *tar.Header, r io.Reader) error {
	at := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	var body []byte
	for p, f := range a.c.Take {
		if ok, err := path.Match(p, at); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		var err error
		if body, err = read(h, r); err != nil {
			return err
		}
		delete(a.left, p)
		if err := f(at, body); err != nil {
			return err
		}
	}
	_, file := a.c.Files[at]
	_, link := a.c.Links[at]
	// What the kernel makes (dev) is no business of the image.
	if file || link || strings.HasPrefix(at, "dev/") || a.c.Drop != nil && a.c.Drop(at) {
		return nil
	}
	if m, ok := a.c.Dirs[at]; ok {
		h.Mode, h.Uid, h.Gid = m.Mode, m.UID, m.GID
	}
	edit, ok := a.c.Edit[at]
	if ok {
		b, err := read(h, r)
		if err != nil {
			return err
		}
		delete(a.left, at)
		body = edit(b)
	}
	h.Name, h.Format = h.Name[:0]+name(at, h.Typeflag), tar.FormatPAX
	h.Uname, h.Gname = "", ""
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	h.ModTime = h.ModTime.Truncate(time.Second)
	if h.ModTime.After(a.c.Time) {
		h.ModTime = a.c.Time
	}
	a.seen[at] = true
	if body != nil || ok {
		return a.write(h, body)
	}
	if err := a.w.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(a.w, r)
	return err
}

// name returns the path as a tar has it.
func name(at string, kind byte) string {
	if kind == tar.TypeDir {
		return "./" + at + strings.Repeat("/", min(len(at), 1))
	}
	return "./" + at
}

func read(h *tar.Header, r io.Reader) ([]byte, error) {
	if h.Typeflag != tar.TypeReg || h.Size > largest {
		return nil, fmt.Errorf("not a file of at most %d bytes", largest)
	}
	return io.ReadAll(r)
}

func (a *applier) write(h *tar.Header, body []byte) error {
	h.Size = int64(len(body))
	if err := a.w.WriteHeader(h); err != nil {
		return err
	}
	_, err := a.w.Write(body)
	return err
}

// add writes what is new, folders before what is in them.
func (a *applier) add() error {
	for _, at := range slices.Sorted(maps.Keys(a.c.Dirs)) {
		if err := a.folder(at); err != nil {
			return err
		}
	}
	for _, at := range slices.Sorted(maps.Keys(a.c.Files)) {
		if err := a.folder(path.Dir(at)); err != nil {
			return err
		}
		f := a.c.Files[at]
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name(at, tar.TypeReg), Mode: f.Mode, Uid: f.UID, Gid: f.GID, ModTime: a.c.Time}
		if err := a.write(h, f.Body); err != nil {
			return err
		}
	}
	for _, at := range slices.Sorted(maps.Keys(a.c.Links)) {
		if err := a.folder(path.Dir(at)); err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeSymlink, Name: name(at, tar.TypeSymlink), Linkname: a.c.Links[at], Mode: 0o777, ModTime: a.c.Time}
		if err := a.w.WriteHeader(h); err != nil {
			return err
		}
	}
	return nil
}

// folder writes the folder at and those it is in, unless they are there.
func (a *applier) folder(at string) error {
	if at == "." || a.seen[at] {
		return nil
	}
	if err := a.folder(path.Dir(at)); err != nil {
		return err
	}
	a.seen[at] = true
	m := Meta{Mode: 0o755}
	if d, ok := a.c.Dirs[at]; ok {
		m = d
	}
	return a.w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name(at, tar.TypeDir), Mode: m.Mode, Uid: m.UID, Gid: m.GID, ModTime: a.c.Time})
}
