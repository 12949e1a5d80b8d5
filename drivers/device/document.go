package device

import (
	"context"
	"errors"
	"image"
	"io"
)

// ErrNoToner is a printer that has nothing left to print with.
var ErrNoToner = errors.New("no toner") // XFS4IoT tonerOut

// ErrNoJob is a job that the printer does not know.
var ErrNoJob = errors.New("printer does not know the job")

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

// Toner is XFS4IoT's state of toner, or of ink.
type Toner string

// The toner states.
const (
	TonerFull    Toner = "full"
	TonerLow     Toner = "low"
	TonerOut     Toner = "out"
	TonerUnknown Toner = "unknown"
)

// Supply is toner, ink or another thing that runs out, or fills up.
type Supply struct {
	Name    string
	Percent int // that is left; -1: the printer does not say
	State   Toner
}

// Document is what is to be printed: a PDF, the pictures of its pages, or both,
// and the printer takes what it knows.
type Document struct {
	Name  string        // of the job: names no one
	PDF   io.ReadSeeker // nil: there is none
	Pages int
	// Page draws page i, counted from 0, as a whole A4 sheet at dpi dots per inch;
	// nil: nobody can. A driver does not draw PDFs.
	Page     func(i, dpi int) (image.Image, error)
	Pictures int // how many pages Page draws; 0: as many as there are Pages
	Copies   int // 0: one
}

// DocumentPrinter prints A4 sheets.
//
// Contract: Submit returns when the printer has taken the whole document and named
// the job; nothing is printed twice by it: where it cannot tell whether the printer
// took the job, it fails with SideEffectUnknown. A job is printed when Job says
// JobCompleted, and not before. Job ids are good while the driver lives: a printer
// that lost its power gives the same numbers to others' jobs, and such a job is
// JobUnknown to who asks for the old one.
type DocumentPrinter interface {
	Watcher
	Submit(ctx context.Context, d Document) (JobID, error)
	// Takes asks the printer whether it takes such a document: ErrUnsupported. It
	// says nothing of its paper, and nothing is printed.
	Takes(ctx context.Context, d Document) error
	Job(ctx context.Context, id JobID) (Job, error)
	// Cancel asks the printer to forget the job; what is out stays out. A job that
	// has ended is left as it is. ErrNoJob: the printer does not know it.
	Cancel(ctx context.Context, id JobID) error
	// Media asks for paper and cover.
	Media(ctx context.Context) (Media, error)
	Supplies(ctx context.Context) ([]Supply, error)
}
