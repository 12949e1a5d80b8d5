package device

import (
	"context"
	"io"
)

// JobID names a job at its printer.
type JobID int

// JobState is where a job of a document printer stands, in IPP's words (RFC 8011, 5.3.7).
type JobState string

// The job states. Only JobCompleted is a print.
const (
	JobPending    JobState = "pending"
	JobProcessing JobState = "processing"
	JobStopped    JobState = "processing-stopped" // waits for paper or a person
	JobCanceled   JobState = "canceled"
	JobAborted    JobState = "aborted"
	JobCompleted  JobState = "completed"
	JobUnknown    JobState = "unknown" // the printer does not know the job, or does not answer
)

// Job is what a printer says of a job.
type Job struct {
	ID      JobID
	State   JobState
	Sheets  int      // that came out; -1: the printer does not say
	Reasons []string // printer-state-reasons and job-state-reasons that hold it up, as IPP spells them
}

// Supply is toner, ink or another thing that runs out.
type Supply struct {
	Name    string
	Percent int // -1: the printer does not say
}

// Document is what is to be printed.
type Document struct {
	Name   string // of the job: names no one
	PDF    io.ReadSeeker
	Pages  int
	Copies int // 0: one
}

// DocumentPrinter prints A4 sheets.
//
// Contract: Submit returns when the printer has taken the whole document and named
// the job; nothing is printed twice by it: where it cannot tell whether the printer
// took the job, it fails with SideEffectUnknown. A job is printed when Job says
// JobCompleted, and not before.
type DocumentPrinter interface {
	Watcher
	Submit(ctx context.Context, d Document) (JobID, error)
	Job(ctx context.Context, id JobID) (Job, error)
	// Cancel asks the printer to forget the job; what is out stays out.
	Cancel(ctx context.Context, id JobID) error
	// Media asks for paper and cover.
	Media(ctx context.Context) (Media, error)
	Supplies(ctx context.Context) ([]Supply, error)
}
