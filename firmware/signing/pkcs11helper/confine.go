package main

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine gives up what no token needs, before the library is loaded: further
// privileges, core dumps that would hold the PIN, and the network. Sockets to
// pcscd on this machine are left.
func confine() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid others to look into memory: %w", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	arch, ok := audit[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("forbid the network: system calls of %s are not known", runtime.GOARCH)
	}
	filter := noNetwork(arch)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// TSYNC: for the threads there are, too, with their no_new_privs.
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("forbid the network: %w", errno)
	}
	return nil
}

// audit are the processors that the filter knows (linux/audit.h).
var audit = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64, "arm": unix.AUDIT_ARCH_ARM,
}

// noNetwork is a filter (seccomp(2)) that lets socket(2) make sockets of this
// machine only. Calls of another processor's numbering are refused whole, since
// their numbers mean something else: so is x32, which has bit 30 set.
func noNetwork(arch uint32) []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		end   = unix.BPF_RET | unix.BPF_K

		number, processor, first = 0, 4, 16 // offsets in struct seccomp_data

		refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
	)
	return []unix.SockFilter{
		{Code: load, K: processor},
		{Code: equal, K: arch, Jf: 7}, // else refuse
		{Code: load, K: number},
		{Code: least, K: 1 << 30, Jt: 5},                 // refuse
		{Code: equal, K: unix.SYS_IO_URING_SETUP, Jt: 4}, // refuse: a ring makes sockets, too
		{Code: equal, K: unix.SYS_SOCKET, Jf: 2},         // else allow
		{Code: load, K: first},                           // the address family
		{Code: equal, K: unix.AF_UNIX, Jf: 1},            // else refuse
		{Code: end, K: unix.SECCOMP_RET_ALLOW},
		{Code: end, K: refuse},
	}
}
