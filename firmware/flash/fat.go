package flash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/boards/layout"
)

// ManifestFile is where the manifest of a medium's image is in its set-up partition.
const ManifestFile = "image.manifest"

// ErrNoSetup is returned where there is no set-up partition, or none that can be read.
var ErrNoSetup = errors.New("there is no set-up partition " + layout.SetupLabel)

// put writes files into the root of the FAT that b holds, and returns it. It passes
// through memory alone: a set-up has secrets in it.
func put(b []byte, files map[string][]byte) ([]byte, error) {
	return inFAT(b, func(f filesystem.FileSystem) error {
		for name, content := range files {
			w, err := f.OpenFile("/"+name, os.O_CREATE|os.O_RDWR|os.O_TRUNC)
			if err != nil {
				return fmt.Errorf("create %s: %w", name, err)
			}
			if _, err := w.Write(content); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
			if err := w.Close(); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
		}
		return nil
	})
}

// get reads the files called names from the root of the FAT that b holds, at most
// limit bytes of each. One that is not there is not in the answer.
func get(b []byte, limit int64, names ...string) (map[string][]byte, error) {
	out := map[string][]byte{}
	_, err := inFAT(b, func(f filesystem.FileSystem) error {
		all, err := f.ReadDir(".")
		if err != nil {
			return fmt.Errorf("list it: %w", err)
		}
		for _, name := range names {
			at := slices.IndexFunc(all, func(e fs.DirEntry) bool { return strings.EqualFold(e.Name(), name) })
			if at < 0 {
				continue
			}
			info, err := all[at].Info()
			if err != nil {
				return fmt.Errorf("look at %s: %w", name, err)
			}
			r, err := f.OpenFile("/"+name, os.O_RDONLY)
			if err != nil {
				return fmt.Errorf("open %s: %w", name, err)
			}
			// The library reads on to the end of the last cluster.
			content, err := io.ReadAll(io.LimitReader(r, min(limit+1, info.Size())))
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			out[name] = content
		}
		return nil
	})
	return out, err
}

// inFAT lets fn work in the FAT that b holds, and returns what became of it. The
// library was not written for foreign bytes: what makes it panic is no FAT.
func inFAT(b []byte, fn func(filesystem.FileSystem) error) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("flash: %w: it is damaged (%v)", ErrNoSetup, r)
		}
	}()
	if err := straight(b); err != nil {
		return nil, fmt.Errorf("flash: %w: %w", ErrNoSetup, err)
	}
	fd, err := unix.MemfdCreate("set-up", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("flash: take memory for the set-up partition: %w", err)
	}
	mem := os.NewFile(uintptr(fd), "set-up")
	defer func() { _ = mem.Close() }() // it is memory
	if _, err := mem.WriteAt(b, 0); err != nil {
		return nil, fmt.Errorf("flash: copy the set-up partition: %w", err)
	}
	f, err := readFAT(mem, int64(len(b)))
	if err != nil {
		return nil, err
	}
	if err := fn(f); err != nil {
		return nil, fmt.Errorf("flash: set-up partition: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("flash: set-up partition: %w", err)
	}
	out = make([]byte, len(b))
	if _, err := mem.ReadAt(out, 0); err != nil {
		return nil, fmt.Errorf("flash: copy the set-up partition: %w", err)
	}
	return out, nil
}

func readFAT(f *os.File, size int64) (filesystem.FileSystem, error) {
	b := file.New(f, false)
	f16, err := fat16.Read(b, size, 0, 512)
	if err == nil {
		return f16, nil
	}
	f12, other := fat12.Read(b, size, 0, 512)
	if other == nil {
		return f12, nil
	}
	return nil, fmt.Errorf("flash: %w: %w", ErrNoSetup, errors.Join(err, other))
}
