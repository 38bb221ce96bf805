#!/usr/bin/env bash
# What docs/reliability.md promises, tried: runs the sections of tools/trust/ and prints one table. Status 1 on a finding.
#   tools/trust.sh                        everything: hours
#   tools/trust.sh --smoke                the same checks cut to about two minutes
#   tools/trust.sh fuzz advisories        these sections only
#   tools/trust.sh --build DIR ...        programs and tests in DIR instead of build/
#   tools/trust.sh --list                 the sections
#
# A section is an executable tools/trust/NAME.sh. It finds TRUST_BUILD (the build folder), TRUST_SMOKE (1 or 0) and
# TRUST_WORK (an empty folder, removed at the end) in its environment, writes one line for each check on standard output,
#   check | inputs tried | findings
# and whatever else it has to say on standard error. Findings are "0", "skipped: why", or a text that says what was found.
# A section that ends with a status other than 0 is a finding itself.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; }
all_sections() { for file in tools/trust/*.sh; do basename "$file" .sh; done; }

build=build
smoke=0
sections=()
while [ $# -gt 0 ]; do
  case "$1" in
    --smoke) smoke=1 ;;
    --build)
      [ $# -ge 2 ] || { echo "trust.sh: --build needs a folder" >&2; exit 2; }
      build=$2
      shift
      ;;
    --list) all_sections; exit 0 ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "trust.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
    *) sections+=("$1") ;;
  esac
  shift
done
[ ${#sections[@]} -gt 0 ] || mapfile -t sections < <(all_sections)
for section in "${sections[@]}"; do
  [ -x "tools/trust/$section.sh" ] || { echo "trust.sh: no section '$section'; there are: $(all_sections | xargs)" >&2; exit 2; }
done

TRUST_BUILD=$(realpath -m "$build")
TRUST_SMOKE=$smoke
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TRUST_BUILD TRUST_SMOKE

lines=$scratch/lines
for section in "${sections[@]}"; do
  echo "== $section" >&2
  TRUST_WORK=$scratch/$section
  export TRUST_WORK
  mkdir "$TRUST_WORK"
  status=0
  "tools/trust/$section.sh" > "$scratch/section" || status=$?
  cat "$scratch/section" >> "$lines"
  if [ "$status" -ne 0 ]; then echo "$section | the section itself | ended with status $status" >> "$lines"; fi
  if [ ! -s "$scratch/section" ]; then echo "$section | the section itself | tried nothing" >> "$lines"; fi
done

awk -F ' *[|] *' '
  BEGIN { print "| check | inputs tried | findings |"; print "|---|---|---|" }
  { print "| " $1 " | " $2 " | " $3 " |"; if (NF != 3 || ($3 != "0" && $3 !~ /^skipped: /)) found++ }
  END {
    print ""
    print found ? found " with findings" : "no findings"
    exit found > 0
  }' "$lines"
