package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Exit statuses of a check command; see CheckMain.
const (
	CheckGood   = 0 // the file is whole
	CheckBroken = 3 // it is not
	CheckBusy   = 4 // another process has it open
	CheckUsage  = 5 // no path, or no such file
)

// CheckFile opens the file read-only and verifies all of it, as Outbox.Check
// does. A file that is badly damaged can kill the process: see CheckMain.
func CheckFile(ctx context.Context, path string) error { return checkFile(ctx, path, true) }

func checkFile(ctx context.Context, path string, deep bool) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("outbox: check: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: check %s: %v: %w", path, p, ErrDamaged)
		}
	}()
	db, err := bolt.Open(path, 0o400, &bolt.Options{
		ReadOnly: true, PreLoadFreelist: true, FreelistType: bolt.FreelistMapType,
		Timeout: time.Second, OpenFile: openExisting,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return fmt.Errorf("outbox: check %s: %w", path, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("outbox: check %s: %w: %w", path, err, ErrDamaged)
	}
	var files blobList
	err = db.View(func(b *bolt.Tx) error { return checkTx(ctx, b, deep, files.add) })
	if err == nil {
		err = files.check(ctx, filepath.Dir(path))
	}
	if e := db.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("outbox: close %s: %w", path, e))
	}
	return err
}

// CheckMain is the body of a check command: it checks the file named by the
// last of args, says on stderr what is wrong, and returns the exit status.
// With "-deep" before the path it also computes every digest again, which Open
// does not need. A binary that opens an outbox offers it as a hidden
// subcommand and names it in Options.CheckCommand, for example
// {"/proc/self/exe", "outbox-check"}.
func CheckMain(ctx context.Context, args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "outbox check: no path")
		return CheckUsage
	}
	deep := len(args) > 1 && args[len(args)-2] == "-deep"
	err := checkFile(ctx, args[len(args)-1], deep)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	switch {
	case err == nil:
		return CheckGood
	case errors.Is(err, ErrLocked):
		return CheckBusy
	case errors.Is(err, os.ErrNotExist):
		return CheckUsage
	default:
		return CheckBroken
	}
}

// precheck looks at the file before this process opens it to write: by the
// check command, where there is one, else here.
func (o *Outbox) precheck(ctx context.Context) error {
	if len(o.o.CheckCommand) == 0 {
		return checkFile(ctx, o.path, false)
	}
	argv := append(append([]string{}, o.o.CheckCommand[1:]...), o.path)
	cmd := exec.CommandContext(ctx, o.o.CheckCommand[0], argv...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || ctx.Err() != nil {
		return fmt.Errorf("outbox: run the check %s: %w", o.o.CheckCommand[0], err)
	}
	switch exit.ExitCode() {
	case CheckBusy:
		return fmt.Errorf("outbox: check %s: %w", o.path, ErrLocked)
	case CheckUsage:
		return fmt.Errorf("outbox: check %s: %s", o.path, firstLine(out))
	default: // also a panic's 2 and a signal's -1
		return fmt.Errorf("outbox: check %s: %v: %s: %w", o.path, exit, firstLine(out), ErrDamaged)
	}
}

func firstLine(b []byte) string {
	for i, c := range b {
		if c == '\n' || i == 300 {
			return string(b[:i])
		}
	}
	return string(b)
}

// Check verifies the whole file, and those of large requests: bbolt's structure, every value's checksum and
// form, that the parts agree with each other, and the journal's hashes. Writes
// wait while the structure is looked at and go on after it: bbolt compares the
// pages with its list of free ones, which every commit changes.
func (o *Outbox) Check(ctx context.Context) error {
	if err := o.checkStructure(); err != nil {
		return err
	}
	var files blobList
	if err := o.view(ctx, func(b *bolt.Tx) error { return checkContents(ctx, b, true, files.add) }); err != nil {
		return err
	}
	err := files.check(ctx, o.dir())
	if err != nil {
		o.mu.RLock()
		files = slices.DeleteFunc(files, func(b blobName) bool { return o.mem.blobs[b.digest] == nil }) // let go of meanwhile
		o.mu.RUnlock()
		err = files.check(ctx, o.dir())
	}
	return err
}

// blobName names a file with sealed bytes.
type blobName struct {
	digest [32]byte
	size   int64
}

// blobList are files that requests need. That one is missing is not the outbox's
// damage: the file is in order, and one request cannot be sent.
type blobList []blobName

func (l *blobList) add(digest [32]byte, size int64) {
	*l = append(*l, blobName{digest, size})
}

// check compares every file with its name.
func (l blobList) check(ctx context.Context, dir string) error {
	var errs []error
	for _, b := range l {
		if err := checkBlob(ctx, dir, b.digest, b.size); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkStructure runs bbolt's check in a write transaction that writes nothing,
// so that no commit is under way.
func (o *Outbox) checkStructure() (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: check %s: %v: %w", o.path, p, ErrDamaged)
		}
	}()
	if err := o.w.err(); err != nil {
		return err // bbolt would wait for itself
	}
	o.files.RLock()
	defer o.files.RUnlock()
	if o.db == nil {
		return o.w.err()
	}
	b, err := o.db.Begin(true)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	if err != nil {
		return fmt.Errorf("outbox: begin a check: %w", err)
	}
	err = checkPages(b)
	if e := b.Rollback(); e != nil {
		err = errors.Join(err, fmt.Errorf("outbox: end a check: %w", e))
	}
	return err
}
