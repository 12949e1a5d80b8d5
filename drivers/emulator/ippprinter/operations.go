package ippprinter

import (
	"slices"
	"strings"

	"github.com/OpenPrinting/goipp"
)

// carryOut does what m asks for.
func (p *Printer) carryOut(m *goipp.Message, doc []byte, f Fault) *goipp.Message {
	if !wellFormed(m) {
		return reply(m, goipp.StatusErrorBadRequest)
	}
	if p.o.OldIPP && m.Version.Major() != 1 {
		return reply(m, goipp.StatusErrorVersionNotSupported)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.operations(), int(m.Code)) {
		return reply(m, goipp.StatusErrorOperationNotSupported)
	}
	a := reply(m, goipp.StatusOk)
	switch goipp.Op(m.Code) {
	case goipp.OpGetPrinterAttributes:
		p.describe(a, wanted(m))
	case goipp.OpValidateJob:
		a.Code = goipp.Code(p.check(m, a))
	case goipp.OpPrintJob, goipp.OpCreateJob:
		if a.Code = goipp.Code(p.check(m, a)); goipp.Status(a.Code) >= 0x100 {
			return a
		}
		j := &job{
			id: p.nextID, state: held, name: text(m.Operation, "job-name"), user: text(m.Operation, "requesting-user-name"),
			copies: integer(m.Job, "copies", 1), abort: f.Kind == Abort, spoil: f.Kind == Spoil,
		}
		p.nextID++
		p.jobs = append(p.jobs, j)
		if goipp.Op(m.Code) == goipp.OpPrintJob {
			p.take(j, m, doc)
		}
		j.describe(&a.Job, nil, "")
	case goipp.OpSendDocument:
		j := p.find(m)
		switch {
		case j == nil:
			return reply(m, goipp.StatusErrorNotFound)
		case j.state != held:
			return reply(m, goipp.StatusErrorNotPossible)
		case !slices.Contains(p.o.Formats, text(m.Operation, "document-format")):
			return reply(m, goipp.StatusErrorDocumentFormatNotSupported)
		}
		j.abort, j.spoil = f.Kind == Abort, f.Kind == Spoil
		p.take(j, m, doc)
		j.describe(&a.Job, nil, "")
	case goipp.OpCancelJob:
		j := p.find(m)
		switch {
		case j == nil:
			return reply(m, goipp.StatusErrorNotFound)
		case j.ended():
			return reply(m, goipp.StatusErrorNotPossible)
		}
		j.state = canceled
		p.drop(j)
		p.work()
	case goipp.OpGetJobAttributes:
		j := p.find(m)
		if j == nil {
			return reply(m, goipp.StatusErrorNotFound)
		}
		j.describe(&a.Job, wanted(m), f.name())
	case goipp.OpGetJobs:
		p.list(a, m, f)
	}
	if f.Kind == Stale {
		a.RequestID--
	}
	if f.Kind == ForgetAfter {
		p.mu.Unlock()
		p.LosePower()
		p.mu.Lock()
	}
	return a
}

// name returns what WrongJobName calls jobs.
func (f Fault) name() string {
	if f.Kind == WrongJobName {
		return "somebody else's"
	}
	return ""
}

func (p *Printer) list(a, m *goipp.Message, f Fault) {
	done := text(m.Operation, "which-jobs") == "completed"
	a.Groups = goipp.Groups{{Tag: goipp.TagOperationGroup, Attrs: a.Operation}}
	for _, j := range p.jobs {
		if j.ended() != done || text(m.Operation, "my-jobs") == "true" && j.user != text(m.Operation, "requesting-user-name") {
			continue
		}
		g := goipp.Group{Tag: goipp.TagJobGroup}
		j.describe(&g.Attrs, wanted(m), f.name())
		a.Groups.Add(g)
	}
}

// find returns the job that m is about, or nil.
func (p *Printer) find(m *goipp.Message) *job {
	id := integer(m.Operation, "job-id", 0)
	i := slices.IndexFunc(p.jobs, func(j *job) bool { return j.id == id })
	if i < 0 {
		return nil
	}
	return p.jobs[i]
}

// take gives j its document.
func (p *Printer) take(j *job, m *goipp.Message, doc []byte) {
	j.format, j.data, j.docs = text(m.Operation, "document-format"), doc, 1
	j.total = sheets(j.format, doc) * j.copies
	j.state = pending
	p.work()
}

// broken is a request whose document never came whole.
func (p *Printer) broken(m *goipp.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.find(m); j != nil && goipp.Op(m.Code) == goipp.OpSendDocument && j.state == held {
		j.state = aborted
		p.drop(j)
	}
}

// check looks at what is wanted of a job (RFC 8011, 4.2.3).
func (p *Printer) check(m, a *goipp.Message) goipp.Status {
	if f := text(m.Operation, "document-format"); f != "" && !slices.Contains(p.o.Formats, f) {
		return goipp.StatusErrorDocumentFormatNotSupported
	}
	status := goipp.StatusOk
	ignore := func(x goipp.Attribute) {
		a.Unsupported.Add(x)
		status = goipp.StatusOkIgnoredOrSubstituted
	}
	for _, x := range m.Job {
		switch x.Name {
		case "copies":
			if integer(m.Job, "copies", 1) > p.o.MaxCopies {
				ignore(x)
			}
		case "media":
			if !slices.Contains(p.ready, text(m.Job, "media")) {
				ignore(x)
			}
		case "media-col":
			if p.o.NoMediaCol {
				ignore(x)
			}
		case "sides":
		default:
			ignore(x)
		}
	}
	return status
}

// wanted returns requested-attributes; nil: all.
func wanted(m *goipp.Message) []string {
	for _, x := range m.Operation {
		if x.Name != "requested-attributes" {
			continue
		}
		var out []string
		for _, v := range x.Values {
			if s := v.V.String(); s == "all" || strings.HasSuffix(s, "-description") || strings.HasSuffix(s, "-template") {
				return nil
			}
			out = append(out, v.V.String())
		}
		return out
	}
	return nil
}
