package lock

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Base is a root file system to be made of packages.
type Base struct {
	Suite, Arch string
	Packages    []Package         // all of them
	Names       []string          // those asked for; of "name/suite" the name
	Native      []Package         // of this machine's architecture: help where programs of Arch are emulated; none: nothing helps
	Files       map[string][]byte // are there before packages are configured, by path
	Time        time.Time
}

// Tar writes the root file system to the file at to. The packages are in s. It
// runs mmdebstrap, which needs root's rights or user namespaces, and for another
// architecture qemu's user emulation.
func (b Base) Tar(ctx context.Context, to string, s Store, log *os.File) (err error) {
	tmp, err := os.MkdirTemp(filepath.Dir(to), "base")
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := b.archive(ctx, filepath.Join(tmp, "archive"), s); err != nil {
		return fmt.Errorf("lock: make an archive of the packages: %w", err)
	}
	var names []string
	for _, n := range b.Names {
		n, _, _ = strings.Cut(n, "/")
		names = append(names, n)
	}
	args := []string{
		"--arch=" + b.Arch, "--variant=essential", "--include=" + strings.Join(names, ","), "--format=tar",
		`--aptopt=APT::Install-Recommends "false"`, `--dpkgopt=force-confold`,
		`--dpkgopt=force-unsafe-io`, // what fails is thrown away
		`--dpkgopt=path-exclude=/usr/share/man/*`, `--dpkgopt=path-exclude=/usr/share/locale/*`, `--dpkgopt=path-exclude=/usr/share/doc/*`,
		`--dpkgopt=path-include=/usr/share/doc/*/copyright`,
	}
	for _, at := range slices.Sorted(maps.Keys(b.Files)) {
		file := filepath.Join(tmp, "files", at)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, b.Files[at], 0o644)); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
	}
	if len(b.Files) > 0 {
		args = append(args, "--essential-hook=sync-in "+filepath.Join(tmp, "files")+" /")
	}
	part := filepath.Join(tmp, "base.tar")
	args = append(args, b.Suite, part, "deb [trusted=yes] copy:"+filepath.Join(tmp, "archive")+" ./")
	c, err := b.command(ctx, tmp, s, args)
	if err != nil {
		return fmt.Errorf("lock: have this machine's programs help: %w", err)
	}
	c.Env = append(c.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(b.Time.Unix(), 10))
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		return fmt.Errorf("lock: mmdebstrap: %w", err)
	}
	if err := os.Rename(part, to); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// archive makes a flat archive of b's packages, so that apt can choose no others.
// It is unsigned: every file in it had the hash that the list says.
func (b Base) archive(ctx context.Context, dir string, s Store) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	var index bytes.Buffer
	for _, p := range b.Packages {
		name := fmt.Sprintf("%s_%s.deb", p.Name, p.SHA256[:12])
		size, sum, err := b.offer(s.File(p), filepath.Join(dir, name), p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		control, err := exec.CommandContext(ctx, "dpkg-deb", "-f", s.File(p)).Output()
		if err != nil {
			return fmt.Errorf("read %s: %w", p.Name, err)
		}
		fmt.Fprintf(&index, "%s\nFilename: ./%s\nSize: %d\nSHA256: %s\n\n", bytes.TrimSpace(control), name, size, sum)
	}
	release := fmt.Sprintf("Origin: Debian\nLabel: Debian\nSuite: %[1]s\nCodename: %[1]s\nArchitectures: %[2]s all\nDate: %[3]s\nSHA256:\n %[4]x %[5]d Packages\n",
		b.Suite, b.Arch, b.Time.UTC().Format(time.RFC1123), sha256.Sum256(index.Bytes()), index.Len())
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "Packages"), index.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, "Release"), []byte(release), 0o644),
	)
}
