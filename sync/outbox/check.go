package outbox

import "context"

// Exit statuses of a check command; see CheckMain.
const (
	CheckGood   = 0 // the file is whole
	CheckBroken = 3 // it is not
	CheckBusy   = 4 // another process has it open
	CheckUsage  = 5 // no path, or no such file
)

// CheckFile opens the file read-only and verifies all of it, as Outbox.Check
// does. A file that is badly damaged can kill the process: see CheckMain.
func CheckFile(ctx context.Context, path string) error { return ErrClosed }

// CheckMain is the body of a check command: it checks the file named by the
// last of args, says on stderr what is wrong, and returns the exit status. A
// binary that opens an outbox offers it as a hidden subcommand and names it in
// Options.CheckCommand, for example {"/proc/self/exe", "outbox-check"}.
func CheckMain(ctx context.Context, args []string) int { return CheckUsage }
