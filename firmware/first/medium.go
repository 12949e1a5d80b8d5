package first

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	ui "github.com/penjire/penjire/ui/panel"
)

// partition is where a partition is, as the kernel says it. All sizes are in sectors
// of 512 bytes, whatever the medium has.
type partition struct {
	disk        string // device of the medium
	number      string
	start, size int64
	room        int64 // up to the end of the medium
}

// worth is how much must be free behind the partition to grow it: less is the gap
// that alignment and the backup of a partition table leave.
const worth = 8 << 20 / 512

// find asks the kernel where the partition at the device path is.
func find(path string) (partition, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return partition{}, faultf("NO-PARTITION", "find the data partition: %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return partition{}, faultf("NO-PARTITION", "find the data partition: %s is no block device", path)
	}
	dir, err := inSysfs(unix.Major(st.Rdev), unix.Minor(st.Rdev))
	if err != nil {
		return partition{}, faultf("NO-PARTITION", "find the data partition: %s: %w", path, err)
	}
	p := partition{}
	if p.number, err = attribute(dir, "partition"); err != nil {
		return partition{}, faultf("NO-PARTITION", "find the data partition: %s is a whole medium: %w", path, err)
	}
	disk := filepath.Dir(dir)
	var whole int64
	for _, a := range []struct {
		dir, name string
		to        *int64
	}{{dir, "start", &p.start}, {dir, "size", &p.size}, {disk, "size", &whole}} {
		s, err := attribute(a.dir, a.name)
		if err == nil {
			*a.to, err = strconv.ParseInt(s, 10, 64)
		}
		if err != nil {
			return partition{}, faultf("NO-PARTITION", "find the data partition: %w", err)
		}
	}
	p.disk, p.room = filepath.Join("/dev", filepath.Base(disk)), whole-p.start-p.size
	return p, p.last(disk)
}

// inSysfs returns the kernel's folder of the block device with that number.
func inSysfs(major, minor uint32) (string, error) {
	want := fmt.Sprintf("%d:%d", major, minor)
	all, _ := filepath.Glob("/sys/class/block/*") // the pattern is in order
	for _, d := range all {
		if got, err := attribute(d, "dev"); err == nil && got == want {
			return filepath.EvalSymlinks(d)
		}
	}
	return "", fmt.Errorf("the kernel knows no block device %s", want)
}

// last reports a partition that lies behind this one.
func (p partition) last(disk string) error {
	others, _ := filepath.Glob(filepath.Join(disk, "*", "start")) // the pattern is in order
	for _, o := range others {
		s, err := attribute(filepath.Dir(o), "start")
		if err != nil {
			continue // it just went
		}
		if at, err := strconv.ParseInt(s, 10, 64); err == nil && at > p.start {
			return faultf("NOT-LAST", "find the data partition: it is not the last on %s", p.disk)
		}
	}
	return nil
}

func attribute(dir, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(b)), err
}

// growPartition has the data partition reach to the medium's end. sfdisk writes the
// backup of a GPT before the table itself, and of an MBR one sector: whenever the
// power goes, one of both is whole.
func (m *machine) growPartition(ctx context.Context) error {
	p, err := find(m.o.Data)
	if err != nil {
		return err
	}
	if p.room < worth {
		return nil
	}
	m.begins()
	m.mark("medium", ui.Now)
	if err := m.enlarge(ctx, p); err != nil {
		return err
	}
	now, err := find(m.o.Data)
	if err != nil {
		return err
	}
	if now.start != p.start || now.size <= p.size {
		return faultf("GROW", "grow the data partition: it is %d sectors from %d, was %d from %d", now.size, now.start, p.size, p.start)
	}
	m.out.Grown = true
	m.o.Log.Info("penjire: first", "partition_mib", now.size>>11, "was_mib", p.size>>11)
	return nil
}

// enlarge changes the medium's table, and has the kernel know. Until it does, the medium
// is locked against udev (systemd.io/BLOCK_DEVICE_LOCKING): if that looks while table and
// kernel disagree about the partition, it takes its names away, and does not look again.
func (m *machine) enlarge(ctx context.Context, p partition) (err error) {
	f, err := os.Open(p.disk)
	if err != nil {
		return faultf("GROW", "grow the data partition: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return faultf("GROW", "lock the medium to grow the data partition: %w", err)
	}
	// The root is on the same medium, so the kernel cannot read the table anew; it is
	// told of this one partition.
	if _, err := program(ctx, ", +\n", "sfdisk", "--no-reread", "--no-tell-kernel", "--force", "-N", p.number, p.disk); err != nil {
		return faultf("GROW", "grow the data partition: %w", err)
	}
	if err := m.point("table"); err != nil {
		return err
	}
	if err := p.tell(ctx, f); err != nil {
		return faultf("GROW", "tell the kernel of the grown data partition: %w", err)
	}
	return nil
}

// tell tells the kernel, at the medium, how large the partition is by now. partx could,
// but it takes the partition away and gives a new one, and its device file would be gone
// for a while.
func (p partition) tell(ctx context.Context, medium *os.File) error {
	said, err := program(ctx, "", "partx", "--show", "--noheadings", "--output", "SECTORS", "--nr", p.number, p.disk)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(strings.TrimSpace(said), 10, 64)
	if err != nil {
		return fmt.Errorf("the size of partition %s: %w", p.number, err)
	}
	n, err := strconv.ParseInt(p.number, 10, 32)
	if err != nil {
		return fmt.Errorf("the number of the partition: %w", err)
	}
	part := unix.BlkpgPartition{Start: p.start * 512, Length: size * 512, Pno: int32(n)}
	arg := unix.BlkpgIoctlArg{Op: unix.BLKPG_RESIZE_PARTITION, Datalen: int32(unsafe.Sizeof(part)), Data: (*byte)(unsafe.Pointer(&part))}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, medium.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return os.NewSyscallError("ioctl BLKPG_RESIZE_PARTITION", e)
	}
	return nil
}

// growFiles has the file system fill the partition: mounted, since ext4's own
// journal then keeps it whole in a power cut.
func (m *machine) growFiles(ctx context.Context) error {
	was, err := blocks(m.o.DataDir)
	if err != nil {
		return err
	}
	_, err = program(ctx, "", "resize2fs", m.o.Data)
	if failed, ok := errors.AsType[*programError](err); ok && strings.Contains(failed.said, "Permission denied") {
		err = m.growUnmounted(ctx)
	}
	if err != nil {
		return faultf("GROW", "grow the data's file system: %w", err)
	}
	now, err := blocks(m.o.DataDir)
	if err != nil {
		return err
	}
	if now != was {
		m.out.Grown = true
	}
	return m.point("files")
}

// growUnmounted is for where even root may not grow what is mounted, as in
// containers. It is done only while nothing is kept yet: without the journal a power
// cut could hurt it.
func (m *machine) growUnmounted(ctx context.Context) error {
	if _, err := os.Stat(m.kiosk("")); err == nil {
		m.o.Log.Warn("the data's file system is not grown: it may not be while it is mounted, and it is in use")
		return nil
	}
	if err := unix.Unmount(m.o.DataDir, 0); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	if _, err := program(ctx, "", "e2fsck", "-f", "-p", m.o.Data); err != nil && status(err) > 1 {
		return err
	}
	_, err := program(ctx, "", "resize2fs", m.o.Data)
	return errors.Join(err, m.attach())
}

// blocks is how large the file system mounted at dir is.
func blocks(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for the size of %s: %w", dir, err)
	}
	return st.Blocks, nil
}
