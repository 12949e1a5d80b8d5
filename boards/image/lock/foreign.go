package lock

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// foreign reports whether programs of b's architecture are emulated here.
func (b Base) foreign() bool { return b.Arch != runtime.GOARCH }

// offer puts the package p, which is in the file from, into the archive as the file to.
// It returns what the archive says of it.
func (b Base) offer(from, to string, p Package) (size int64, sum string, err error) {
	if !b.foreign() {
		return p.Size, p.SHA256, os.Symlink(from, to)
	}
	if err := stored(from, to); err != nil {
		return 0, "", err
	}
	f, err := os.Open(to)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// stored writes the package in the file from to the file to without compression: an
// emulated dpkg takes many times as long to decompress as this machine does. What
// the package holds stays as it is.
func stored(from, to string) (err error) {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.WriteString(f, "!<arch>\n"+member("debian-binary", 4)+"2.0\n"); err != nil {
		return err
	}
	for _, m := range []struct{ name, flag string }{{"control.tar", "--ctrl-tarfile"}, {"data.tar", "--fsys-tarfile"}} {
		start, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, member(m.name, 0)); err != nil {
			return err
		}
		c := exec.Command("dpkg-deb", m.flag, from)
		c.Stdout = f // not through a pipe: it goes on where this file is
		var words bytes.Buffer
		c.Stderr = &words
		if err := c.Run(); err != nil {
			return fmt.Errorf("dpkg-deb %s: %w: %s", m.flag, err, bytes.TrimSpace(words.Bytes()))
		}
		end, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		size := end - start - int64(len(member("", 0)))
		if _, err := f.WriteAt([]byte(member(m.name, size)), start); err != nil {
			return err
		}
		if size%2 != 0 {
			if _, err := io.WriteString(f, "\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// member is the head of a member of an archive of ar's (deb(5)).
func member(name string, size int64) string {
	return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, 0, 0, 0, "100644", size)
}
