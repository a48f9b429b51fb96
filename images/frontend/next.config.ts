import type { NextConfig } from "next";

const securityHeaders = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Referrer-Policy", value: "same-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()" },
];

// Next.js's tracing follows every import that it sees; these belong to the build, the development
// server, the edge runtime, the pages router or experiments, none of which this server runs.
const neverLoaded = [
  "sharp/**",
  "@img/**",
  "caniuse-lite/**",
  "typescript/**",
  "react-dom/cjs/react-dom-server*",
  "next/dist/build/swc/**",
  "next/dist/compiled/@edge-runtime/primitives/**",
  "next/dist/compiled/@mswjs/**",
  "next/dist/compiled/conf/**",
  "next/dist/compiled/edge-runtime/**",
  "next/dist/compiled/fast-jwt/**",
  "next/dist/compiled/next-server/*experimental*",
  "next/dist/compiled/tar/**",
  "next/dist/compiled/watchpack/**",
  "next/dist/compiled/ws/**",
  "next/dist/server/capsize-font-metrics.json",
  "next/dist/server/dev/hot-reloader-turbopack.js",
  "next/dist/server/dev/hot-reloader-webpack.js",
].map((pattern) => `node_modules/${pattern}`);

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  reactStrictMode: true,
  // No image is ever optimised, so the native image library has no place in the result.
  images: { unoptimized: true },
  outputFileTracingExcludes: { "*": neverLoaded },
  headers: async () => [{ source: "/:path*", headers: securityHeaders }],
};

export default config;
