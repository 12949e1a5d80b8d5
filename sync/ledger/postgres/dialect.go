package postgres

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bound are queries with PostgreSQL's placeholders, by how they are written.
var bound sync.Map

// bind turns ? into $1, $2 … and ?2 into $2. There is no other use of ? in our
// queries.
func bind(query string) string {
	if q, ok := bound.Load(query); ok {
		return q.(string)
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		b.WriteByte('$')
		if i+1 == len(query) || query[i+1] < '0' || query[i+1] > '9' {
			n++
			b.WriteString(strconv.Itoa(n))
		}
	}
	bound.Store(query, b.String())
	return b.String()
}

// placeBits are what is left of a place below its milliseconds: enough until 2109.
const placeBits = 21

// place begins the places of rows stored now: the time, then chance. Many portals
// give places without asking each other; where two agree, the constraint fails one
// transaction, and its next try has another.
func place() int64 {
	const room = 1 << 10 // rows stored together stay within their millisecond
	return time.Now().UnixMilli()<<placeBits + rand.Int64N(1<<placeBits-room)
}
