package ippprinter

import (
	"slices"
	"strconv"
	"time"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

func (p *Printer) operations() []int {
	ops := []goipp.Op{
		goipp.OpPrintJob, goipp.OpValidateJob, goipp.OpCancelJob, goipp.OpGetJobAttributes, goipp.OpGetJobs, goipp.OpGetPrinterAttributes,
	}
	if !p.o.NoCreateJob {
		ops = append(ops, goipp.OpCreateJob, goipp.OpSendDocument)
	}
	var out []int
	for _, o := range ops {
		out = append(out, int(o))
	}
	return out
}

func (p *Printer) reasons() []string {
	var out []string
	add := func(yes bool, s string) {
		if yes {
			out = append(out, s)
		}
	}
	add(p.paper == device.PaperOut, "media-empty-error")
	add(p.paper == device.PaperLow, "media-low-warning")
	add(p.paper == device.PaperJammed, "media-jam-error")
	add(p.cover == device.CoverOpen, "cover-open-error")
	add(p.toner == 0, "toner-empty-error")
	add(p.toner > 0 && p.toner <= 10, "toner-low-warning")
	add(p.paused, "paused")
	if out == nil {
		out = []string{"none"}
	}
	return out
}

// describe adds the printer's attributes of those names to a.
func (p *Printer) describe(a *goipp.Message, names []string) {
	add := func(name string, tag goipp.Tag, values ...goipp.Value) {
		if names != nil && !slices.Contains(names, name) {
			return
		}
		x := goipp.Attribute{Name: name}
		for _, v := range values {
			x.Values.Add(tag, v)
		}
		a.Printer.Add(x)
	}
	text := func(ss []string) (out []goipp.Value) {
		for _, s := range ss {
			out = append(out, goipp.String(s))
		}
		return out
	}
	state := 3
	if j := p.current(); j != nil {
		state = 4
	}
	if !p.fine() {
		state = 5
	}
	add("printer-state", goipp.TagEnum, goipp.Integer(state))
	add("printer-state-reasons", goipp.TagKeyword, text(p.reasons())...)
	add("printer-is-accepting-jobs", goipp.TagBoolean, goipp.Boolean(true))
	add("printer-up-time", goipp.TagInteger, goipp.Integer(1+time.Since(p.boot)/time.Second))
	add("printer-name", goipp.TagName, goipp.String("Penjire's printer in software"))
	add("ipp-versions-supported", goipp.TagKeyword, text([]string{"1.1", "2.0"})...)
	p.describeStill(add, text)
	if p.paper == device.PaperOut || len(p.ready) == 0 {
		add("media-ready", goipp.TagNoValue, goipp.Void{})
	} else {
		add("media-ready", goipp.TagKeyword, text(p.ready)...)
	}
	add("marker-names", goipp.TagName, goipp.String("Black Toner"), goipp.String("Waste Toner"))
	add("marker-types", goipp.TagKeyword, goipp.String("toner"), goipp.String("waste-toner"))
	add("marker-levels", goipp.TagInteger, goipp.Integer(p.toner), goipp.Integer(30))
	add("marker-low-levels", goipp.TagInteger, goipp.Integer(10), goipp.Integer(0))
	add("marker-high-levels", goipp.TagInteger, goipp.Integer(100), goipp.Integer(90))
	add("document-format-supported", goipp.TagMimeType, text(p.o.Formats)...)
	var ops []goipp.Value
	for _, o := range p.operations() {
		ops = append(ops, goipp.Integer(o))
	}
	add("operations-supported", goipp.TagEnum, ops...)
	creation := []string{"copies", "media", "sides"}
	if !p.o.NoMediaCol {
		creation = append(creation, "media-col")
	}
	add("job-creation-attributes-supported", goipp.TagKeyword, text(creation)...)
	add("pwg-raster-document-type-supported", goipp.TagKeyword, text(p.o.Types)...)
	add("pwg-raster-document-resolution-supported", goipp.TagResolution,
		goipp.Resolution{Xres: 600, Yres: 600, Units: goipp.UnitsDpi}, goipp.Resolution{Xres: 300, Yres: 300, Units: goipp.UnitsDpi})
	add("copies-supported", goipp.TagRange, goipp.Range{Lower: 1, Upper: p.o.MaxCopies})
	add("sides-supported", goipp.TagKeyword, goipp.String("one-sided"))
}

// describeStill adds what every printer must say and ours has nothing to say of
// (RFC 8011, 5.4).
func (p *Printer) describeStill(add func(string, goipp.Tag, ...goipp.Value), text func([]string) []goipp.Value) {
	word := func(name string, tag goipp.Tag, v string) { add(name, tag, goipp.String(v)) }
	word("charset-configured", goipp.TagCharset, "utf-8")
	word("charset-supported", goipp.TagCharset, "utf-8")
	word("natural-language-configured", goipp.TagLanguage, "en")
	word("generated-natural-language-supported", goipp.TagLanguage, "en")
	word("compression-supported", goipp.TagKeyword, "none")
	word("document-format-default", goipp.TagMimeType, p.o.Formats[0])
	word("printer-info", goipp.TagText, "A printer in software")
	word("printer-location", goipp.TagText, "")
	word("printer-make-and-model", goipp.TagText, "Penjire Emulated Printer")
	word("printer-more-info", goipp.TagURI, "http://localhost/")
	word("printer-uri-supported", goipp.TagURI, "ipp://localhost"+path)
	word("uri-authentication-supported", goipp.TagKeyword, "none")
	word("uri-security-supported", goipp.TagKeyword, "none")
	word("pdl-override-supported", goipp.TagKeyword, "attempted")
	add("queued-job-count", goipp.TagInteger, goipp.Integer(p.waiting()))
	word("media-default", goipp.TagKeyword, "iso_a4_210x297mm")
	add("media-supported", goipp.TagKeyword, text([]string{"iso_a4_210x297mm", "na_letter_8.5x11in"})...)
	add("media-col-default", goipp.TagBeginCollection, goipp.Collection{goipp.MakeAttrCollection(
		"media-size",
		goipp.MakeAttribute("x-dimension", goipp.TagInteger, goipp.Integer(21000)),
		goipp.MakeAttribute("y-dimension", goipp.TagInteger, goipp.Integer(29700)),
	)})
}

// describe adds the job's attributes of those names to a. as is its name; "": its own.
func (j *job) describe(a *goipp.Attributes, names []string, as string) {
	add := func(name string, tag goipp.Tag, v goipp.Value) {
		if names == nil || slices.Contains(names, name) {
			a.Add(goipp.MakeAttribute(name, tag, v))
		}
	}
	if as == "" {
		as = j.name
	}
	reason := map[int]string{
		held: "job-incoming", stopped: "printer-stopped", canceled: "job-canceled-by-user", aborted: "aborted-by-system",
		processing: "job-printing", completed: "job-completed-successfully",
	}[j.state]
	if j.spoil && j.state == completed {
		reason = "job-completed-with-errors"
	}
	if reason == "" {
		reason = "none"
	}
	add("job-id", goipp.TagInteger, goipp.Integer(j.id))
	add("job-uri", goipp.TagURI, goipp.String("ipp://localhost"+path+"/"+strconv.Itoa(j.id)))
	add("job-originating-user-name", goipp.TagName, goipp.String(j.user))
	add("job-name", goipp.TagName, goipp.String(as))
	add("job-state", goipp.TagEnum, goipp.Integer(j.state))
	add("job-state-reasons", goipp.TagKeyword, goipp.String(reason))
	add("job-media-sheets-completed", goipp.TagInteger, goipp.Integer(j.out))
	add("number-of-documents", goipp.TagInteger, goipp.Integer(j.docs))
}
