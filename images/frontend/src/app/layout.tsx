import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { latin, latinExtended } from "./fonts";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "Todo", template: "%s – Todo" },
  description: "Your tasks, and an assistant that helps with them.",
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f6f4ee" },
    { media: "(prefers-color-scheme: dark)", color: "#161814" },
  ],
};

// Every page depends on who asks, and carries the nonce of its own request.
export const dynamic = "force-dynamic";

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" className={`${latin.variable} ${latinExtended.variable}`}>
      <body>{children}</body>
    </html>
  );
}
