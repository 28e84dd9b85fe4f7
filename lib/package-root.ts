// The package's folder, as seen from dist/lib and from dist/gyrus.
export const packageRoot = new URL('../../', import.meta.url)
