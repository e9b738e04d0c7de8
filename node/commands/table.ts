/**
 * Text for terminals. Names, tags and the like were chosen by other members, so control characters in them, which a
 * terminal would obey, are written as escapes.
 */

/** Columns aligned by their widest cell, two spaces apart; an empty cell is a hyphen. Widths count code points. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((line) => line.map((cell) => printable(cell) || '-'))
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column]!))))
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Rows of name and value under no header, as in a banner. */
export function textFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const widest = Math.max(...facts.map(([name]) => width(name)))
  return facts.map(([name, value]) => `  ${pad(name, widest)}  ${printable(value)}`).join('\n')
}

/** JSON for programs; control characters that JSON leaves as they are become escapes, which mean the same. */
export function printableJson(body: unknown): string {
  return JSON.stringify(body, null, 2).replace(/\p{C}/gu, (character) =>
    character === '\n' ? character : escapeUnits(character),
  )
}

export function printable(text: string): string {
  return text.replace(/\p{C}/gu, escapeUnits)
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  }).join('')
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(columns - width(text))
}

function width(text: string): number {
  return [...text].length
}
