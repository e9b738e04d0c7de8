/** Types and signatures of TypeDoc's model as text, in parts: `to` is what a part names, if that is a declaration of ours. */

/** Longer ones are broken into lines. */
const lineMax = 100

/** @returns {{ text: string, to?: import('typedoc').Reflection }[]} */
export function partsOf(type) {
  switch (type?.type) {
    case undefined:
      return words('unknown')
    case 'array':
      return [...nested(type.elementType), ...words('[]')]
    case 'conditional':
      return [
        ...partsOf(type.checkType),
        ...words(' extends '),
        ...partsOf(type.extendsType),
        ...words(' ? '),
        ...partsOf(type.trueType),
        ...words(' : '),
        ...partsOf(type.falseType),
      ]
    case 'indexedAccess':
      return [...nested(type.objectType), ...words('['), ...partsOf(type.indexType), ...words(']')]
    case 'intersection':
      return joined(type.types.map(nested), ' & ')
    case 'literal':
      return words(typeof type.value === 'string' ? `'${type.value}'` : String(type.value))
    case 'mapped':
      return mapped(type)
    case 'namedTupleMember':
      return [...words(`${type.name}${type.isOptional ? '?' : ''}: `), ...partsOf(type.element)]
    case 'predicate':
      return [...words(`${type.name} is `), ...partsOf(type.targetType)]
    case 'query':
      return [...words('typeof '), ...partsOf(type.queryType)]
    case 'reference':
      return reference(type)
    case 'reflection':
      return ofDeclaration(type.declaration)
    case 'tuple':
      return [...words('['), ...joined((type.elements ?? []).map(partsOf), ', '), ...words(']')]
    case 'typeOperator':
      return [...words(`${type.operator} `), ...nested(type.target)]
    case 'union':
      return joined(type.types.map(inUnion), ' | ')
    case 'intrinsic':
    case 'unknown':
      return words(type.name)
    default:
      throw new Error(`types.mjs cannot write a type of the kind ${type.type}: ${type}`)
  }
}

export function textOf(parts) {
  return parts.map(({ text }) => text).join('')
}

/** As it stands behind `type X =`. */
export function aliasText(type) {
  const line = textOf(partsOf(type))
  const sign = { union: '|', intersection: '&' }[type.type]
  if (sign === undefined || line.length <= lineMax) return ` ${line}`
  return type.types.map((one) => `\n  ${sign} ${textOf(type.type === 'union' ? inUnion(one) : nested(one))}`).join('')
}

/** One call of a function or method, as it is declared. */
export function signatureText(signature, name) {
  const head = `${name}${typeParametersText(signature.typeParameters)}`
  const parameters = (signature.parameters ?? []).map((one) => textOf(parameter(one)))
  const returns = textOf(partsOf(signature.type))
  const line = `${head}(${parameters.join(', ')}): ${returns}`
  if (line.length <= lineMax || parameters.length < 2) return line
  return `${head}(\n${parameters.map((one) => `  ${one},\n`).join('')}): ${returns}`
}

export function typeParametersText(typeParameters) {
  if (!typeParameters?.length) return ''
  const texts = typeParameters.map(({ name, type, default: otherwise }) => {
    const bound = type ? ` extends ${textOf(partsOf(type))}` : ''
    return `${name}${bound}${otherwise ? ` = ${textOf(partsOf(otherwise))}` : ''}`
  })
  return `<${texts.join(', ')}>`
}

/** The compiler spells out what a type parameter is if left out: names that everybody knows are put back. */
function reference(type) {
  const { name, reflection } = type
  const parts = [{ text: name, ...(reflection && { to: reflection }) }, ...typeArguments(type.typeArguments)]
  const text = textOf(parts)
  if (text === 'Readonly<Record<string, StateValue>>' || text === 'Readonly<State>') return words('State')
  if (text === 'Uint8Array<ArrayBufferLike>') return words('Uint8Array')
  return parts.length > 1 && text === `${name}<State>` ? parts.slice(0, 1) : parts
}

function words(text) {
  return [{ text }]
}

function joined(lists, separator) {
  return lists.flatMap((parts, i) => (i === 0 ? parts : [...words(separator), ...parts]))
}

/** In parentheses where it would be read as something else otherwise. */
function nested(type) {
  const isLoose = ['union', 'intersection', 'typeOperator'].includes(type.type)
  return isLoose ? [...words('('), ...partsOf(type), ...words(')')] : inUnion(type)
}

function inUnion(type) {
  const isFunction = type.type === 'reflection' && type.declaration.signatures && !type.declaration.children
  return isFunction || type.type === 'conditional' ? [...words('('), ...partsOf(type), ...words(')')] : partsOf(type)
}

function typeArguments(types) {
  return types?.length ? [...words('<'), ...joined(types.map(partsOf), ', '), ...words('>')] : []
}

/** An object type, or that of a function. */
function ofDeclaration({ children, signatures, indexSignatures }) {
  if (signatures?.length === 1 && !children) return ofFunction(signatures[0])
  const members = [
    ...(indexSignatures ?? []).map(({ parameters, type, flags }) => [
      ...words(`${flags.isReadonly ? 'readonly ' : ''}[${textOf(parameter(parameters[0]))}]: `),
      ...partsOf(type),
    ]),
    ...(children ?? []).map((child) =>
      child.signatures
        ? words(signatureText(child.signatures[0], child.name))
        : [...words(`${modifiers(child)}${child.name}${child.flags.isOptional ? '?' : ''}: `), ...partsOf(child.type)],
    ),
  ]
  return members.length === 0 ? words('{}') : [...words('{ '), ...joined(members, '; '), ...words(' }')]
}

function ofFunction({ parameters = [], type, typeParameters }) {
  return [
    ...words(`${typeParametersText(typeParameters)}(`),
    ...joined(parameters.map(parameter), ', '),
    ...words(') => '),
    ...partsOf(type),
  ]
}

function parameter({ name, type, flags, defaultValue }) {
  const isOptional = flags.isOptional || defaultValue !== undefined
  // Taken apart where it is declared: that is nobody's name for it.
  const shown = name === '__namedParameters' ? 'options' : name
  return [...words(`${flags.isRest ? '...' : ''}${shown}${isOptional ? '?' : ''}: `), ...partsOf(type)]
}

function modifiers({ flags }) {
  return flags.isReadonly ? 'readonly ' : ''
}

function mapped({ parameter: name, parameterType, templateType, readonlyModifier, optionalModifier }) {
  const mark = { '+': '?', '-': '-?' }[optionalModifier] ?? ''
  return [
    ...words(`{ ${readonlyModifier === '+' ? 'readonly ' : ''}[${name} in `),
    ...partsOf(parameterType),
    ...words(`]${mark}: `),
    ...partsOf(templateType),
    ...words(' }'),
  ]
}
