package report

import "strings"

// markdownMeans are the characters that mean something in CommonMark, or to GitHub.
const markdownMeans = "\\`*_[]<>&|~$#"

// markdown writes what somebody else has written, such as a server's log, for a cell or an item of
// a list: on one line, and with every character as itself.
func markdown(text string) string {
	var escaped strings.Builder
	for _, r := range strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text) {
		switch {
		case r == '\n':
			escaped.WriteString("<br>")
			continue
		case strings.ContainsRune(markdownMeans, r):
			escaped.WriteByte('\\')
		}
		escaped.WriteRune(r)
	}
	return escaped.String()
}
