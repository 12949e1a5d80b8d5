//go:build linux && amd64

package crashtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Change is one thing a traced process did to the files of a folder, in the
// order in which it did them. Inodes are numbered as they are made.
type Change struct {
	Kind  byte // 'c' create, 'w' write, 't' truncate, 's' sync, 'r' rename, 'l' link, 'u' unlink, 'd' sync of the folder, 'a' acknowledgement
	Inode int
	Off   int64  // of a write; the size of a truncate
	Data  []byte // of a write; the line of an acknowledgement
	Name  string // of create, rename (the new one), link, unlink, below the folder; of a sync, the folder's own, "" is the top
	From  string // of rename
}

// Trace runs cmd under ptrace until it ends and returns what it did to the
// files in dir, with what it wrote to its standard output in between. The first
// old of the changes make what was there before. bbolt
// takes an *os.File, so nothing can be put between it and the file inside the
// process.
func Trace(t testing.TB, cmd *exec.Cmd, dir string) (changes []Change, old int) {
	t.Helper()
	runtime.LockOSThread() // ptrace belongs to a thread, and so does the wait for its children
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	cmd.Stdout = null
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start a traced child (the test needs ptrace): %v", err)
	}
	tr := &tracer{pid: cmd.Process.Pid, dir: dir, fds: map[int]int{}, dirs: map[int]string{}, names: map[string]int{}, in: map[int]bool{}}
	if err := tr.begin(); err != nil {
		t.Fatal(err)
	}
	if tr.mem, err = os.Open(fmt.Sprintf("/proc/%d/mem", tr.pid)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tr.mem.Close() }()
	if err := tr.run(); err != nil {
		_ = cmd.Process.Kill()
		t.Fatal(err)
	}
	return tr.changes, tr.old
}

type tracer struct {
	pid     int
	dir     string
	mem     *os.File
	changes []Change
	fds     map[int]int    // descriptor: inode
	dirs    map[int]string // descriptor: folder, below dir
	names   map[string]int // file name: inode
	inodes  int
	old     int          // changes that begin made
	in      map[int]bool // threads inside a system call
}

// begin takes in what is in the folder already, as if it had just been made.
func (tr *tracer) begin() error {
	folders := map[string]bool{}
	err := filepath.WalkDir(tr.dir, func(p string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, _ := tr.below(p)
		folders[folderOf(name)] = true
		tr.inodes++
		tr.names[name] = tr.inodes
		tr.log(Change{Kind: 'c', Inode: tr.inodes, Name: name})
		tr.log(Change{Kind: 'w', Inode: tr.inodes, Data: b})
		tr.log(Change{Kind: 's', Inode: tr.inodes})
		return nil
	})
	for f := range folders {
		tr.log(Change{Kind: 'd', Name: f})
	}
	tr.old = len(tr.changes)
	return err
}

// below returns the path below the traced folder.
func (tr *tracer) below(p string) (string, bool) {
	name, err := filepath.Rel(tr.dir, p)
	if err != nil || name == ".." || strings.HasPrefix(name, "../") {
		return "", false
	}
	if name == "." {
		name = ""
	}
	return name, true
}

func folderOf(name string) string {
	if d := filepath.Dir(name); d != "." {
		return d
	}
	return ""
}

func (tr *tracer) run() error {
	var ws unix.WaitStatus
	if _, err := unix.Wait4(tr.pid, &ws, 0, nil); err != nil {
		return fmt.Errorf("wait for the traced child: %w", err)
	}
	const exitKill = 0x100000
	if err := unix.PtraceSetOptions(tr.pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|exitKill); err != nil {
		return fmt.Errorf("set ptrace options: %w", err)
	}
	if err := unix.PtraceSyscall(tr.pid, 0); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	for {
		tid, err := unix.Wait4(-1, &ws, unix.WALL|unix.WNOTHREAD, nil)
		if err != nil {
			return fmt.Errorf("wait for a traced thread: %w", err)
		}
		if ws.Exited() || ws.Signaled() {
			if tid != tr.pid {
				continue
			}
			if ws.ExitStatus() != 0 {
				return fmt.Errorf("the traced child ended with %d", ws.ExitStatus())
			}
			return nil
		}
		sig := 0
		switch s := ws.StopSignal(); {
		case s == unix.SIGTRAP|0x80:
			if err := tr.call(tid); err != nil {
				return err
			}
		case s == unix.SIGTRAP, s == unix.SIGSTOP: // a new thread
		default:
			sig = int(s)
		}
		if err := unix.PtraceSyscall(tid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("resume: %w", err)
		}
	}
}

// call looks at a system call: at its entry for what changes bytes, so that
// the bytes are still what is written, and at its end for what makes names.
func (tr *tracer) call(tid int) error {
	var r unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &r); errors.Is(err, unix.ESRCH) {
		return nil // it is ending
	} else if err != nil {
		return fmt.Errorf("read registers: %w", err)
	}
	tr.in[tid] = !tr.in[tid]
	if tr.in[tid] {
		return tr.entry(&r)
	}
	if int64(r.Rax) < 0 {
		return nil
	}
	return tr.exit(&r)
}

func (tr *tracer) entry(r *unix.PtraceRegs) error {
	inode, ours := tr.fds[int(r.Rdi)]
	switch r.Orig_rax {
	case unix.SYS_WRITE:
		if r.Rdi == 1 {
			b, err := tr.bytes(r.Rsi, r.Rdx)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(b)) {
				tr.log(Change{Kind: 'a', Data: []byte(strings.TrimSpace(line))})
			}
		} else if ours {
			return fmt.Errorf("write(2) to a file of the outbox, which the trace does not follow")
		}
	case unix.SYS_PWRITE64:
		if ours {
			b, err := tr.bytes(r.Rsi, r.Rdx)
			if err != nil {
				return err
			}
			tr.log(Change{Kind: 'w', Inode: inode, Off: int64(r.R10), Data: b})
		}
	case unix.SYS_FTRUNCATE:
		if ours {
			tr.log(Change{Kind: 't', Inode: inode, Off: int64(r.Rsi)})
		}
	case unix.SYS_CLOSE:
		delete(tr.fds, int(r.Rdi))
		delete(tr.dirs, int(r.Rdi))
	}
	return nil
}

func (tr *tracer) exit(r *unix.PtraceRegs) error {
	switch r.Orig_rax {
	case unix.SYS_FDATASYNC, unix.SYS_FSYNC:
		if inode, ours := tr.fds[int(r.Rdi)]; ours {
			tr.log(Change{Kind: 's', Inode: inode})
		} else if name, ours := tr.dirs[int(r.Rdi)]; ours {
			tr.log(Change{Kind: 'd', Name: name})
		}
	case unix.SYS_OPENAT, unix.SYS_OPEN:
		at := r.Rsi
		if r.Orig_rax == unix.SYS_OPEN {
			at = r.Rdi
		}
		p, err := tr.path(at)
		if err != nil {
			return err
		}
		delete(tr.fds, int(r.Rax))
		delete(tr.dirs, int(r.Rax))
		name, ours := tr.below(p)
		if !ours {
			return nil
		}
		if st, err := os.Stat(p); name == "" || err == nil && st.IsDir() {
			tr.dirs[int(r.Rax)] = name
			return nil
		}
		inode, there := tr.names[name]
		if !there {
			tr.inodes++
			inode = tr.inodes
			tr.names[name] = inode
			tr.log(Change{Kind: 'c', Inode: inode, Name: name})
		}
		tr.fds[int(r.Rax)] = inode
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		from, err := tr.path(r.Rsi)
		to, err2 := tr.path(r.R10)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if name, ours := tr.below(to); ours {
			old, _ := tr.below(from)
			tr.log(Change{Kind: 'r', From: old, Name: name})
			tr.names[name] = tr.names[old]
			delete(tr.names, old)
		}
	case unix.SYS_LINKAT:
		from, err := tr.path(r.Rsi)
		to, err2 := tr.path(r.R10)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if name, ours := tr.below(to); ours {
			old, _ := tr.below(from)
			tr.log(Change{Kind: 'l', From: old, Name: name})
			tr.names[name] = tr.names[old]
		}
	case unix.SYS_UNLINKAT, unix.SYS_UNLINK:
		at := r.Rsi
		if r.Orig_rax == unix.SYS_UNLINK {
			at = r.Rdi
		}
		p, err := tr.path(at)
		if err != nil {
			return err
		}
		if name, ours := tr.below(p); ours {
			tr.log(Change{Kind: 'u', Name: name})
			delete(tr.names, name)
		}
	case unix.SYS_RENAME, unix.SYS_LINK, unix.SYS_PWRITEV, unix.SYS_PWRITEV2, unix.SYS_FALLOCATE:
		return fmt.Errorf("system call %d, which the trace does not follow", r.Orig_rax)
	}
	return nil
}
