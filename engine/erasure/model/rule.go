package model

// Rule is a part of the protocol that can be left out. The numbers are those of the design.
type Rule uint8

// The rules.
const (
	None Rule = iota // nothing is left out
	// TermBeforeWrites: a holder's term is on the write quorum before its first write (1).
	TermBeforeWrites
	// LowerTermsRefused: a drive refuses what comes from a holder of a lower term (1).
	LowerTermsRefused
	// TermBeforeAnswers: a drive takes the asker's term before its answer counts (1).
	TermBeforeAnswers
	// QuorumAcknowledges: one drive less is not enough (2).
	QuorumAcknowledges
	// SameIncarnation: the acknowledgement of a drive that was replaced since does not count (2).
	SameIncarnation
	// NeverRollBack: a writer that gives up takes nothing back (2).
	NeverRollBack
	// SettleReleases: only a settle releases what a write supersedes (3).
	SettleReleases
	// SettleAfterQuorum: a settle says that its write is on the write quorum (3).
	SettleAfterQuorum
	// DecidedFirst: what is below the quorum is made durable there before it is shown (4).
	DecidedFirst
	// SilenceCounts: a write is ignored only if the silent drives cannot make it a quorum (4).
	SilenceCounts
	// SilenceIsNoAbsence: if a quorum of drives is silent, nothing seen is not absent (4).
	SilenceIsNoAbsence
	// FewAreNotAlone: a settled tombstone on fewer than k drives says "absent" only if the silent
	// drives cannot have a newer write at the quorum (4).
	FewAreNotAlone
	// LockIgnores: answers gathered without the lock pass over nothing (4).
	LockIgnores
	// SettledIsNotIgnored: a settle with too few copies is no reason to serve what is older (4).
	SettledIsNotIgnored
	// FenceBeforeDiscard: a discard needs answers from behind a fence (5).
	FenceBeforeDiscard
	// FenceEverywhere: every drive takes the fence before it is believed (5).
	FenceEverywhere
	// FreshIsSilent: a fresh drive's "not here" says nothing (6).
	FreshIsSilent
	// HealedBeforeComplete: a drive is complete once the key was served and copied to it (6).
	HealedBeforeComplete
	// TombstoneEverywhere: a tombstone is forgotten only where every drive has it settled (7).
	TombstoneEverywhere
	// ForgottenIsFenced: a drive that forgets a tombstone refuses what was before it (7).
	ForgottenIsFenced
	// NeverRecoverable: what only fresh drives could have had is discarded (8).
	NeverRecoverable
	ruleCount
)

var ruleNames = [ruleCount]string{"none", "TermBeforeWrites", "LowerTermsRefused",
	"TermBeforeAnswers", "QuorumAcknowledges", "SameIncarnation", "NeverRollBack",
	"SettleReleases", "SettleAfterQuorum", "DecidedFirst", "SilenceCounts", "SilenceIsNoAbsence",
	"FewAreNotAlone", "LockIgnores", "SettledIsNotIgnored", "FenceBeforeDiscard",
	"FenceEverywhere", "FreshIsSilent",
	"HealedBeforeComplete", "TombstoneEverywhere", "ForgottenIsFenced", "NeverRecoverable"}

// String is the rule's name.
func (r Rule) String() string { return ruleNames[r] }

// Rules are all that can be left out.
func Rules() (all []Rule) {
	for r := None + 1; r < ruleCount; r++ {
		all = append(all, r)
	}
	return all
}
