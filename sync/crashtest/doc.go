// Package crashtest cuts the power of a program, in thought. It follows what a
// child process does to the files of a folder by ptrace, and rebuilds the folder
// in the forms that a power cut may leave at each moment: everything that was
// flushed, and of what was not any part, in any order, down to single sectors.
//
// It is for tests on Linux and amd64. It does not know what is right: a judge
// looks at each state. It cuts at system calls and does not see what is written
// through a mapping.
package crashtest
