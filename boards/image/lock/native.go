package lock

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// emulated are programs that stay what they are in the root file system although
// others of their package are this machine's meanwhile: they say or act on the
// architecture that they were built for.
func emulated(program string) bool {
	return slices.Contains([]string{"uname", "arch"}, program) ||
		strings.HasPrefix(program, "dpkg") && program != "dpkg-deb" && program != "dpkg-split"
}

// native is a folder with programs of this machine's architecture, and how they stand
// in for those of an emulated root file system while its packages are configured:
// nearly all that their scripts do is start a shell, perl or a small program, which
// emulated takes ten times as long. The programs are mounted over those of the root,
// so nothing of them stays there.
type native struct {
	dir     string
	lib     string   // folder of the libraries, below dir and below the root
	loader  string   // of programs, where they look for it
	program []string // paths below dir and below the root
}

// command returns the run of mmdebstrap with args, helped by b.Native if it can be: with
// root's rights, and a list of mounts of its own that goes when it ends.
func (b Base) command(ctx context.Context, tmp string, s Store, args []string) (*exec.Cmd, error) {
	if !b.foreign() || len(b.Native) == 0 || os.Geteuid() != 0 {
		return exec.CommandContext(ctx, "mmdebstrap", args...), nil
	}
	dir := filepath.Join(tmp, "native")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	n, err := b.unpackNative(ctx, dir, s)
	if err != nil {
		return nil, err
	}
	on, off, err := n.hooks(tmp)
	if err != nil {
		return nil, err
	}
	args = append([]string{"--mount", "--", "mmdebstrap", "--extract-hook=" + on + ` "$1"`, "--customize-hook=" + off + ` "$1"`}, args...)
	c := exec.CommandContext(ctx, "unshare", args...)
	c.Env = append(os.Environ(), "INITRD=No") // not yet
	return c, nil
}

// unpackNative unpacks b.Native, which is in s, below dir.
func (b Base) unpackNative(ctx context.Context, dir string, s Store) (n native, err error) {
	n.dir = dir
	for _, p := range b.Native {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", s.File(p), dir).CombinedOutput(); err != nil {
			return n, fmt.Errorf("unpack %s: %w: %s", p.Name, err, bytes.TrimSpace(out))
		}
	}
	programs, err := filepath.Glob(filepath.Join(dir, "usr/bin/*"))
	if err != nil {
		return n, err
	}
	for _, p := range programs {
		info, err := os.Lstat(p)
		if err != nil {
			return n, err
		}
		if !info.Mode().IsRegular() || emulated(filepath.Base(p)) {
			continue
		}
		loader, err := interpreter(p)
		if err != nil {
			return n, err
		}
		if loader == "" {
			continue // a script, which its interpreter runs
		}
		n.loader, n.program = loader, append(n.program, strings.TrimPrefix(p, dir+"/"))
	}
	if len(n.program) == 0 {
		return n, errors.New("no program is in the packages that are to help")
	}
	at, err := filepath.EvalSymlinks(filepath.Join(dir, "usr", n.loader))
	if err != nil {
		return n, fmt.Errorf("the loader of programs: %w", err)
	}
	n.lib = strings.TrimPrefix(filepath.Dir(at), dir+"/")
	return n, nil
}

// interpreter returns the loader that a program names; "": it is none.
func interpreter(file string) (string, error) {
	f, err := elf.Open(file)
	var no *elf.FormatError
	if errors.As(err, &no) || errors.Is(err, io.EOF) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				return "", err
			}
			return string(bytes.TrimRight(b, "\x00")), nil
		}
	}
	return "", nil
}

// excludes is dpkg's configuration while programs stand in for others.
const excludes = "etc/dpkg/dpkg.cfg.d/native"

// hooks writes the scripts that mount the programs and take them away again. Both get
// the root file system's folder.
func (n native) hooks(dir string) (on, off string, err error) {
	on, off = filepath.Join(dir, "on"), filepath.Join(dir, "off")
	folder := filepath.Dir(n.loader) // not in the root of another architecture
	var up, down strings.Builder
	fmt.Fprintf(&up, "#!/bin/sh\nset -e\ncd \"$1\"\nmkdir -p %s\nln -s usr%[2]s .%[2]s\n", filepath.Dir(excludes), folder)
	for _, d := range []string{n.lib, "usr" + folder} {
		fmt.Fprintf(&up, "mkdir %[2]s\nmount --bind %[1]s/%[2]s %[2]s\n", n.dir, d)
	}
	down.WriteString("#!/bin/sh\nset -e\ncd \"$1\"\n")
	for _, p := range n.program {
		// It was unpacked already, and no file takes the place of one that is mounted over.
		fmt.Fprintf(&up, "if test -f '%[2]s' && ! test -L '%[2]s'; then mount --bind '%[1]s/%[2]s' '%[2]s'; echo 'path-exclude=/%[2]s' >>%[3]s; fi\n", n.dir, p, excludes)
		fmt.Fprintf(&down, "if mountpoint -q '%[1]s'; then umount '%[1]s'; fi\n", p)
	}
	fmt.Fprintf(&down, "rm .%[1]s %[3]s\numount %[2]s usr%[1]s\nrmdir %[2]s usr%[1]s\n", folder, n.lib, excludes)
	// What is copied into an initramfs is what is in the root: only now, all of it
	// emulated.
	down.WriteString("chroot . update-initramfs -c -k all\n")
	return on, off, errors.Join(os.WriteFile(on, []byte(up.String()), fs.FileMode(0o755)), os.WriteFile(off, []byte(down.String()), fs.FileMode(0o755)))
}
