package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Sealed bytes that are large stand in files of their own, beside the outbox's
// file, under the SHA-256 of what they hold (outbox.md, section 4a). bbolt would
// copy them with every page that changes beside them, and hold them in memory.

// MaxInline is the most sealed bytes that stand in the outbox's file itself.
const MaxInline = 64 << 10

const (
	blobFolder = "blob"
	blobTemp   = "new-" // begins the names of files that nobody counts on yet
)

func blobPath(dir string, digest [32]byte) string {
	return filepath.Join(dir, blobFolder, hex.EncodeToString(digest[:]))
}

// dir is the outbox's folder.
func (o *Outbox) dir() string { return filepath.Dir(o.path) }

// makeBlobFolder makes the folder for large sealed bytes, durably.
func makeBlobFolder(dir string) error {
	path := filepath.Join(dir, blobFolder)
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("outbox: make the folder for large requests: %w", err)
	}
	return syncDir(dir)
}

// blobFile is a file that is being written.
type blobFile struct {
	f    *os.File
	dir  string
	size int64
}

// newBlob begins a file under a name that promises nothing.
func newBlob(dir string) (*blobFile, error) {
	if err := makeBlobFolder(dir); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Join(dir, blobFolder), blobTemp)
	if err != nil {
		return nil, fmt.Errorf("outbox: begin a file for a large request: %w", err)
	}
	return &blobFile{f: f, dir: dir}, nil
}

// Write implements io.Writer. It knows the place itself: what follows the file's
// own offset cannot be traced.
func (b *blobFile) Write(p []byte) (int, error) {
	n, err := b.f.WriteAt(p, b.size)
	b.size += int64(n)
	return n, err
}

// install flushes the file, gives it its name and flushes the folder.
func (b *blobFile) install(digest [32]byte) error {
	if err := errors.Join(b.f.Sync(), b.f.Close()); err != nil {
		return errors.Join(full(fmt.Errorf("outbox: flush a large request: %w", err)), ignoreMissing(os.Remove(b.f.Name())))
	}
	if err := os.Rename(b.f.Name(), blobPath(b.dir, digest)); err != nil {
		return errors.Join(fmt.Errorf("outbox: name a large request: %w", err), ignoreMissing(os.Remove(b.f.Name())))
	}
	return syncDir(filepath.Join(b.dir, blobFolder))
}

// discard forgets the file.
func (b *blobFile) discard() error {
	return errors.Join(b.f.Close(), ignoreMissing(os.Remove(b.f.Name())))
}

// errBlob says that the file of a large request is not there, or not what it was.
var errBlob = errors.New("the file with its sealed bytes is gone, or another")

// statBlob looks whether there is a file of that size.
func statBlob(dir string, digest [32]byte, size int64) error {
	st, err := os.Stat(blobPath(dir, digest))
	if err != nil {
		return fmt.Errorf("outbox: look for a large request: %w: %w", errBlob, err)
	}
	if st.Size() != size || !st.Mode().IsRegular() {
		return fmt.Errorf("outbox: a large request has %d bytes, want %d: %w", st.Size(), size, errBlob)
	}
	return nil
}

// checkBlob reads the file and compares it with its name, in constant memory.
func checkBlob(ctx context.Context, dir string, digest [32]byte, size int64) (err error) {
	if err := statBlob(dir, digest, size); err != nil {
		return err
	}
	f, err := os.Open(blobPath(dir, digest))
	if err != nil {
		return fmt.Errorf("outbox: open a large request: %w: %w", errBlob, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	buf := make([]byte, 128<<10)
	for off := int64(0); off < size; {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("outbox: check a large request: %w", err)
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		_, _ = h.Write(buf[:n]) // a digest takes everything
		off += int64(n)
		if err != nil && !(errors.Is(err, io.EOF) && off == size) {
			return fmt.Errorf("outbox: read a large request: %w: %w", errBlob, err)
		}
	}
	if [32]byte(h.Sum(nil)) != digest {
		return fmt.Errorf("outbox: check a large request: %w", errBlob)
	}
	return nil
}

// lookAtBlobs finds, at every opening, the requests whose files are not there: an
// alarm is raised, they wait for somebody to bring the file back, and hold up
// nobody.
func (o *Outbox) lookAtBlobs() {
	for digest, b := range o.mem.blobs {
		if statBlob(o.dir(), digest, b.size) != nil {
			o.mem.loseBlob(digest)
		}
	}
}

// removeOrphans removes the files that no request names: of a crash between their
// flush and the commit, or between a commit and their removal. Where the outbox's
// file is not the one that it was, they may be all that is left of somebody's
// request, and stay until a technician has dismissed the alarm.
func (o *Outbox) removeOrphans() error {
	path := filepath.Join(o.dir(), blobFolder)
	files, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("outbox: look at the large requests: %w", err)
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, f := range files {
		name := f.Name()
		digest, err := hex.DecodeString(name)
		switch {
		case strings.HasPrefix(name, blobTemp):
		case err != nil || len(digest) != 32 || len(o.mem.alarms) > 0:
			continue
		case o.mem.blobs[[32]byte(digest)] != nil:
			continue
		}
		if err := ignoreMissing(os.Remove(filepath.Join(path, name))); err != nil {
			return fmt.Errorf("outbox: remove a file that no request names: %w", err)
		}
	}
	return nil
}
