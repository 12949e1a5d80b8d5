package outbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// medium is what a mirror needs of the second medium. Tests put media there that
// fail, hang and fill.
type medium interface {
	// list returns the names of the mirror's files, in order. The folder itself
	// is never made: where it is not, the medium is not there.
	list() ([]string, error)
	open(name string) (mediumFile, error) // there already; to read and write
	create(name string) (mediumFile, error)
	remove(name string) error
	sync() error // names
	same(path string) bool
}

type mediumFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (os.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

const (
	mirrorPrefix = "mirror-"
	mirrorExt    = ".pjm"
)

func mirrorName(e Epoch, generation int) string {
	return fmt.Sprintf("%s%x-%08d%s", mirrorPrefix, e, generation, mirrorExt)
}

// parseMirrorName reads what mirrorName made.
func parseMirrorName(name string) (e Epoch, generation int, ok bool) {
	var hex string
	s := strings.TrimSuffix(strings.TrimPrefix(name, mirrorPrefix), mirrorExt)
	hex, s, ok = strings.Cut(s, "-")
	if !ok || len(hex) != 2*len(e) || len(s) != 8 {
		return e, 0, false
	}
	for i := range e {
		if _, err := fmt.Sscanf(hex[2*i:2*i+2], "%02x", &e[i]); err != nil {
			return e, 0, false
		}
	}
	if _, err := fmt.Sscanf(s, "%08d", &generation); err != nil {
		return e, 0, false
	}
	return e, generation, mirrorName(e, generation) == name
}

// folder is a medium: a folder on it.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func (f folder) list() ([]string, error) {
	files, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range files {
		if _, _, ok := parseMirrorName(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (f folder) open(name string) (mediumFile, error) {
	return file(os.OpenFile(f.path(name), os.O_RDWR, 0))
}

func (f folder) create(name string) (mediumFile, error) {
	return file(os.OpenFile(f.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600))
}

// file keeps a nil *os.File from becoming an interface that is not nil.
func file(f *os.File, err error) (mediumFile, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f folder) remove(name string) error { return os.Remove(f.path(name)) }

func (f folder) sync() error { return syncDir(string(f)) }

// same reports whether the folder is on the device that path is on, and so
// protects from less than it should.
func (f folder) same(path string) bool {
	var a, b unix.Stat_t
	return unix.Stat(string(f), &a) == nil && unix.Stat(path, &b) == nil && a.Dev == b.Dev
}

func noRoom(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
