/** One page of the reference, in Markdown: what an entry of the package exports, each name once, on the page it belongs to. */

import { ReflectionKind } from 'typedoc'
import { aliasText, partsOf, signatureText, textOf, typeParametersText } from './types.mjs'

const kinds = [
  ['Functions', ReflectionKind.Function],
  ['Classes', ReflectionKind.Class],
  ['Interfaces', ReflectionKind.Interface],
  ['Types', ReflectionKind.TypeAlias],
  ['Constants', ReflectionKind.Variable],
]

/** Parts of `Peer` and `Y.Doc` that an entry asks for; their members are described there. */
export const partsOfOthers = ['AwarenessDoc', 'AwarenessPeer', 'OverlayPeer']

/** `places` says where each declaration stands: reflection to `{ file, anchor }`. */
export function writePage({ title, file, declarations, forDrivers }, comment, exportsAlso, places) {
  const writer = new Writer(file, places)
  const isAside = ({ name }) => forDrivers?.has(name) === true
  const sections = kinds.map(([name, kind]) => [
    name,
    declarations.filter((one) => one.kindOf(kind) && !isAside(one)).sort(byName),
  ])
  sections.push(['For drivers and channels of your own', declarations.filter(isAside).sort(byName)])
  const filled = sections.filter(([, members]) => members.length > 0)
  const contents = filled.map(([name, members]) => `- ${name}: ${members.map((one) => writer.link(one)).join(', ')}`)
  const blocks = [
    `# ${title}`,
    writer.prose(comment),
    writer.also(exportsAlso),
    contents.join('\n'),
    ...filled.flatMap(([name, members]) => [
      `## ${name}`,
      ...(name === 'Constants' ? [writer.constants(members)] : members.flatMap((one) => writer.declaration(one))),
    ]),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

/** The index: the pages, and every name with its page. */
export function writeIndex(pages, places) {
  const writer = new Writer('README.md', places)
  const rows = pages.map(({ title, file, about }) => `| [${title}](${file}) | ${about} |`)
  const names = pages.flatMap(({ declarations }) => declarations).sort(byName)
  return `${[
    '# API reference',
    'Made from the doc comments of the sources by `npm run reference`; what is wrong here is to be put right there. Every name stands on one page; the entries that export it as well say so.',
    `| page | what it is |\n| --- | --- |\n${rows.join('\n')}`,
    '## All names',
    names.map((one) => writer.link(one)).join(' · '),
  ].join('\n\n')}\n`
}

/** What GitHub makes of a heading. */
export function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

function byName(a, b) {
  return a.name.localeCompare(b.name, 'en')
}

class Writer {
  #file
  #places
  /** The declaration that is being written; it is no link to itself. */
  #current

  constructor(file, places) {
    this.#file = file
    this.#places = places
  }

  link(declaration, text = declaration.name) {
    return `[${text}](${this.#address(this.#places.get(declaration))})`
  }

  /** What the page exports of others. */
  also(lists) {
    const whats = lists.map(({ page, names }) =>
      page ? `everything on [${page.title}](${page.file})` : names.map((one) => this.link(one)).join(', '),
    )
    return whats.length === 0 ? '' : `Exports as well ${whats.join(' and ')}.`
  }

  constants(declarations) {
    const rows = declarations.map((one) => {
      this.#current = one
      const { anchor } = this.#places.get(one)
      return `| <a id="${anchor}"></a>\`${one.name}\` | ${this.#typeCell(one.type)} | ${cell(this.prose(commentOf(one)))} |`
    })
    return `| constant | type | |\n| --- | --- | --- |\n${rows.join('\n')}`
  }

  declaration(declaration) {
    this.#current = declaration
    const { name, type, typeParameters } = declaration
    const full = `${name}${typeParametersText(typeParameters)}`
    const heading = `### ${headingOf(declaration)}`
    const about = this.prose(commentOf(declaration))
    if (declaration.kindOf(ReflectionKind.Function)) {
      return [heading, code(declaration.signatures.map((one) => `function ${signatureText(one, name)}`)), about]
    }
    if (declaration.kindOf(ReflectionKind.Variable)) {
      return [heading, code([`const ${name}: ${textOf(partsOf(type))}`]), about]
    }
    if (declaration.kindOf(ReflectionKind.TypeAlias)) {
      const elements = this.#elements(type)
      const commented = inside(type).filter(commentOf)
      return [
        heading,
        elements ? '' : code([`type ${full} =${aliasText(type)}`]),
        about,
        elements,
        this.#table(commented),
      ]
    }
    const word = declaration.kindOf(ReflectionKind.Class) ? 'class' : 'interface'
    const bases = (declaration.extendedTypes ?? []).filter((one) => one.reflection || one.name === 'Error')
    const extending = bases.map((one) => ` extends ${textOf(partsOf(one))}`).join('')
    if (partsOfOthers.includes(name)) {
      return [
        heading,
        code([`${word} ${full}${extending} {`, ...membersOf(declaration).flatMap(memberLines), '}']),
        about,
      ]
    }
    const calls = (declaration.signatures ?? []).map((one) => signatureText(one, ''))
    return [
      heading,
      code([`${word} ${full}${extending}`]),
      about,
      ...(calls.length > 0 ? [code(calls)] : []),
      this.#table(membersOf(declaration).filter((one) => !one.signatures)),
      ...membersOf(declaration)
        .filter((one) => one.signatures)
        .flatMap((one) => this.#method(declaration, one)),
    ]
  }

  /** Markdown of a comment, with the names of declarations linked. */
  prose(comment) {
    const text = (comment?.summary ?? [])
      .map((part) =>
        part.kind === 'code' ? this.#code(part.text) : part.text.replace(/\bdocs\/(\w+\.md)\b/g, '[$&](../$1)'),
      )
      .join('')
    return text.trim()
  }

  #method(owner, method) {
    const calls = method.signatures.map((one) =>
      signatureText(one, method.kindOf(ReflectionKind.Constructor) ? `new ${owner.name}` : method.name),
    )
    const about = method.signatures
      .map((one) => this.prose(one.comment))
      .filter((text, i, all) => all.indexOf(text) === i)
    return [`#### ${methodHeading(owner, method)}`, code(calls), ...about]
  }

  /** What the members of a union mean, where they say so. */
  #elements({ types, elementSummaries }) {
    if (!elementSummaries) return ''
    return elementSummaries
      .map((summary, i) => `- \`${textOf(partsOf(types[i]))}\`: ${this.prose({ summary })}`)
      .join('\n')
  }

  #table(properties) {
    const rows = properties.flatMap((one) => this.#rows(one, ''))
    return rows.length === 0 ? '' : `| property | type | |\n| --- | --- | --- |\n${rows.join('\n')}`
  }

  /** A property, and below it those of the object that it is, by their paths. */
  #rows(property, path) {
    const name = `${path}${property.name}`
    const type = property.type ?? property.getSignature?.type
    const inner = inside(type)
    const isSpread = inner.some(commentOf)
    const mark = property.flags.isOptional ? '?' : ''
    const shown = isSpread ? this.#outlineCell(type) : this.#typeCell(type)
    const row = `| \`${name}${mark}\` | ${shown} | ${cell(this.prose(commentOf(property)))} |`
    return isSpread ? [row, ...inner.flatMap((one) => this.#rows(one, `${name}.`))] : [row]
  }

  /** Of a type whose properties have rows of their own. */
  #outlineCell(type) {
    const named = (type.types ?? []).filter((one) => one.type === 'reference')
    return [...named.map((one) => this.#typeCell(one)), '`object`'].join(' and ')
  }

  #typeCell(type) {
    const spans = []
    for (const { text, to } of partsOf(type)) {
      const escaped = text.replaceAll('|', '\\|')
      const place = this.#places.get(to)
      if (place && to !== this.#current) spans.push(`[\`${escaped}\`](${this.#address(place)})`)
      else if (spans.at(-1)?.endsWith('`') && spans.length > 0) spans.push(`${spans.pop().slice(0, -1)}${escaped}\``)
      else spans.push(`\`${escaped}\``)
    }
    return spans.join('')
  }

  /** `Member.status`, `join()`: what it names is linked, unless that is what is being read. */
  #code(text) {
    const [, name] = /^`([A-Z]\w*)(?:\.\w+)?(?:\(\))?`$/.exec(text) ?? /^`(\w+)\(\)`$/.exec(text) ?? []
    const declaration = name && [...this.#places.keys()].find((one) => one.name === name)
    return declaration && declaration !== this.#current ? this.link(declaration, text) : text
  }

  #address({ file, anchor }) {
    return file === this.#file ? `#${anchor}` : `${file}#${anchor}`
  }
}

export function headingOf(declaration) {
  return declaration.kindOf(ReflectionKind.Function) ? `${declaration.name}()` : declaration.name
}

export function methodHeading(owner, method) {
  return method.kindOf(ReflectionKind.Constructor) ? `new ${owner.name}()` : `${owner.name}.${method.name}()`
}

/** What is written of a class or interface: all but what a class has for an interface that nobody else can see. */
export function membersOf({ children = [] }) {
  return children.filter(
    ({ implementationOf: of }) => of === undefined || of.reflection !== undefined || of.externalUrl,
  )
}

/** A comment stands on the declaration, on its getter, or on its first call that has any. */
export function commentOf(reflection) {
  const { comment, getSignature, signatures } = reflection
  return comment ?? getSignature?.comment ?? signatures?.find((one) => one.comment)?.comment
}

/** The properties of the object types that a type is made of. */
export function inside(type) {
  if (type?.type === 'union' || type?.type === 'intersection') return type.types.flatMap(inside)
  return type?.type === 'reflection' ? (type.declaration.children ?? []) : []
}

/** Of an interface that is shown as it is declared. */
function memberLines({ name, type, signatures, flags }) {
  if (signatures) return signatures.map((one) => `  ${signatureText(one, name)}`)
  return [`  ${flags.isReadonly ? 'readonly ' : ''}${name}${flags.isOptional ? '?' : ''}: ${textOf(partsOf(type))}`]
}

/** A row of a table is one line. */
function cell(text) {
  return text
    .replace(/\s*\n\n\s*/g, '<br>')
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
}

function code(lines) {
  return `\`\`\`ts\n${lines.join('\n')}\n\`\`\``
}
