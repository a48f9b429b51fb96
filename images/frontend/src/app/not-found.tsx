import { Notice } from "@/components/notice";

export default function NotFoundPage() {
  return (
    <Notice title="Nothing here" action={{ label: "Go to your tasks", href: "/" }}>
      There is no page at this address.
    </Notice>
  );
}
