package screen

import "time"

// Warns reports whether the page asks whether anyone is there.
func (p *page) Warns() bool {
	return p.Visit != "" && p.Idle.Warn > 0 && p.Screen != Away && p.Screen != Ended
}

// WarnMS and EndMS are the idle times in milliseconds, for the script.
func (p *page) WarnMS() int64 { return p.Idle.Warn.Milliseconds() }

// EndMS is the time after the warning.
func (p *page) EndMS() int64 { return p.Idle.End.Milliseconds() }

// EndSeconds is EndMS in whole seconds.
func (p *page) EndSeconds() int { return int((p.Idle.End + time.Second - 1) / time.Second) }

// HomePath is the page's own address.
func (p *page) HomePath() string {
	if p.Visit == "" {
		return "/"
	}
	return "/v/" + p.Visit
}

// Tool is the form that the header's buttons belong to: the page's own where it
// holds what someone is typing, so that they carry it along.
func (p *page) Tool() string {
	if p.Typed() {
		return "page"
	}
	return "tool"
}

// Default is the action of the page's one big button, and of the Enter key.
func (p *page) Default() string {
	switch p.Screen {
	case Start:
		return "begin"
	case Home:
		return "apply"
	case Services:
		return "choose"
	case Service:
		return "begin"
	case Rules:
		return "accept"
	case IsThisYou:
		return "yes"
	case Question:
		return "answer"
	case Check:
		return "confirm"
	case PIN:
		return "pin"
	case Track:
		return "track"
	case Requests, Status, Answer:
		return "open"
	case FirstList, FirstChoose, FirstField:
		return p.FirstDefault()
	case Assist:
		return "export"
	case Done, TakeCard, Problem, Ended, Seal:
		return "finish"
	}
	return "stay"
}
