// Command register is the tool of whoever keeps the state register: it makes
// what portals and kiosks believe without asking, the trust bundle and the
// catalogue of services, and signs it. It runs where the register's key is,
// which needs no network.
//
//	register bundle -from bundle.json -roots FILE -cert FILE -key FILE [-previous FILE|-first] [-delta FILE] -out FILE
//	register kiosks -list FILE -from bundle.json -previous FILE -roots FILE
//	register catalogue -packs FOLDER -trust FILE -roots FILE -cert FILE -key FILE [-previous FILE|-first] -out FILE
//	register show -roots FILE FILE
//
// bundle makes the next version of the trust bundle from a description (see
// description). What comes out is read again as a kiosk that has the previous
// one reads it, before it is written: a bundle that kiosks would refuse, or
// with which something would stop working unnoticed, is not made. On standard
// output it says what changed.
//
// kiosks puts what portald kiosk register wrote, new kiosks' certificates and the
// portal's list of revoked ones, where the description finds them, if centres of the
// bundle in force issued all of it. A new bundle is then as far as ever: bundle.
//
// catalogue makes the next version of the catalogue from service packs.
//
// show tells what is in a bundle: its version, the centres with their
// accreditation, and how old its lists are.
//
// Exit status: 0 done, 1 failed, 2 wrong use.
package main

import (
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
)

const help = `usage: register bundle -from bundle.json -roots FILE -cert FILE -key FILE [-previous FILE|-first] [-delta FILE] -out FILE
       register kiosks -list FILE -from bundle.json -previous FILE -roots FILE
       register catalogue -packs FOLDER -trust FILE -roots FILE -cert FILE -key FILE [-previous FILE|-first] -out FILE
       register show -roots FILE FILE
`

func main() { os.Exit(run(os.Args[1:], time.Now(), os.Stdout, os.Stderr)) }

func run(args []string, now time.Time, stdout, stderr io.Writer) int {
	return command.Run("register", help, map[string]command.Func{
		"bundle": issueBundle, "kiosks": takeKiosks, "catalogue": issueCatalogue, "show": show,
	}, args, now, stdout, stderr)
}
