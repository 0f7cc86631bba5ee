package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const expandMax = 1024 // directories from one pattern; far above what one server drives

// ExpandDirs lists the directories that patterns name: each is a directory, or several with
// ellipses, as in /data/d{1...4}. Errors say what is wrong with which; they are not ErrUsage yet.
func ExpandDirs(patterns []string) (dirs []string, err error) {
	for _, pattern := range patterns {
		if pattern == "" {
			return nil, errors.New("the name of a directory is empty: say . for the current one")
		}
		some, err := expand(pattern)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, some...)
	}
	return dirs, nil
}

// expand replaces each {A...B} of a pattern by the numbers from A to B, keeping leading zeros,
// rightmost fastest: /r{1...2}/d{1...2} gives r1/d1, r1/d2, r2/d1, r2/d2.
func expand(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		return []string{pattern}, nil
	}
	length := strings.IndexByte(pattern[open:], '}')
	if length < 0 {
		return nil, ellipsisError(pattern)
	}
	first, last, found := strings.Cut(pattern[open+1:open+length], "...")
	from, err1 := strconv.ParseUint(first, 10, 31)
	to, err2 := strconv.ParseUint(last, 10, 31)
	if !found || err1 != nil || err2 != nil || from > to || to-from >= expandMax {
		return nil, ellipsisError(pattern)
	}
	tails, err := expand(pattern[open+length+1:])
	if err != nil {
		return nil, err
	}
	width := 0
	if strings.HasPrefix(first, "0") {
		width = len(first)
	}
	var all []string
	for n := from; n <= to; n++ {
		for _, tail := range tails {
			all = append(all, fmt.Sprintf("%s%0*d%s", pattern[:open], width, n, tail))
		}
	}
	if len(all) > expandMax {
		return nil, ellipsisError(pattern)
	}
	return all, nil
}

func ellipsisError(pattern string) error {
	return fmt.Errorf("%q is not an ellipsis: write {FIRST...LAST} with whole numbers, "+
		"at most %d directories, as in '/data/d{1...4}'", pattern, expandMax)
}
