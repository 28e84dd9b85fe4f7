// Parsers of option values; what they refuse is wrong usage (exit code 2).
import { InvalidArgumentError } from 'commander'

export function parseCount(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('It must be a positive whole number.')
  return value
}

export function parseWhole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

export function parseNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.')
  return value
}

/** One number, or a list with commas. */
export function parseNumbers(text: string): number | number[] {
  const [first, ...rest] = text.split(',').map(parseNumber)
  return first !== undefined && rest.length === 0 ? first : [first ?? NaN, ...rest]
}

/** "224" or "224x192" (height x width). */
export function parseImageSize(text: string): number | [number, number] {
  const [height, width, ...rest] = text.split('x').map(parseCount)
  if (height === undefined || rest.length > 0)
    throw new InvalidArgumentError('It must be like 224 or 224x192.')
  return width === undefined ? height : [height, width]
}
